"""The core schema of the models in forms.py, made by docs/built_forms.py."""
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

from typing import Any

from convcalc.language.statements import BuiltForm, Checked

#: The structures of the language, by name.
STRUCTURES: dict[str, Any] = {
'sequential': {'type': 'model', 'cls': BuiltForm, 'config': {'extra_fields_behavior': 'forbid'}, 'schema': {'type': 'model-fields', 'fields': {
    'name': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('layer_name')}}, 'default': None}},
    'from_': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('tensors')}}, 'default': ()}, 'validation_alias': 'from'},
    'when': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('condition')}}, 'default': True}},
    'layers': {'type': 'model-field', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('layers')}}},
}}},
'repeat': {'type': 'model', 'cls': BuiltForm, 'config': {'extra_fields_behavior': 'forbid'}, 'schema': {'type': 'model-fields', 'fields': {
    'name': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('layer_name')}}, 'default': None}},
    'from_': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('tensors')}}, 'default': ()}, 'validation_alias': 'from'},
    'when': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('condition')}}, 'default': True}},
    'times': {'type': 'model-field', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('times')}}},
    'index': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('index')}}, 'default': None}},
    'layers': {'type': 'model-field', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('layers')}}},
}}},
'for_each': {'type': 'model', 'cls': BuiltForm, 'config': {'extra_fields_behavior': 'forbid'}, 'schema': {'type': 'model-fields', 'fields': {
    'name': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('layer_name')}}, 'default': None}},
    'from_': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('tensors')}}, 'default': ()}, 'validation_alias': 'from'},
    'when': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('condition')}}, 'default': True}},
    'rows': {'type': 'model-field', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('rows')}}, 'validation_alias': 'in'},
    'bind': {'type': 'model-field', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('bind')}}},
    'layers': {'type': 'model-field', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('layers')}}},
}}},
'residual': {'type': 'model', 'cls': BuiltForm, 'config': {'extra_fields_behavior': 'forbid'}, 'schema': {'type': 'model-fields', 'fields': {
    'name': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('layer_name')}}, 'default': None}},
    'from_': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('tensors')}}, 'default': ()}, 'validation_alias': 'from'},
    'when': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('condition')}}, 'default': True}},
    'layers': {'type': 'model-field', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('layers')}}},
    'shortcut': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('layers')}}, 'default': ()}},
    'connect': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('condition')}}, 'default': True}},
}}},
'branches': {'type': 'model', 'cls': BuiltForm, 'config': {'extra_fields_behavior': 'forbid'}, 'schema': {'type': 'model-fields', 'fields': {
    'name': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('layer_name')}}, 'default': None}},
    'from_': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('tensors')}}, 'default': ()}, 'validation_alias': 'from'},
    'when': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('condition')}}, 'default': True}},
    'paths': {'type': 'model-field', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('paths')}}},
    'merge': {'type': 'model-field', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('merge')}}},
    'split': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('truth')}}, 'default': False}},
}}},
}
#: The other forms.
OTHERS: dict[str, Any] = {
'element': {'type': 'model', 'cls': BuiltForm, 'config': {'extra_fields_behavior': 'forbid'}, 'schema': {'type': 'model-fields', 'fields': {
    'name': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('layer_name')}}, 'default': None}},
    'from_': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('tensors')}}, 'default': ()}, 'validation_alias': 'from'},
    'when': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('condition')}}, 'default': True}},
}}},
'layer': {'type': 'model', 'cls': BuiltForm, 'config': {'extra_fields_behavior': 'forbid'}, 'schema': {'type': 'model-fields', 'fields': {
    'name': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('layer_name')}}, 'default': None}},
    'from_': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('tensors')}}, 'default': ()}, 'validation_alias': 'from'},
    'when': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('condition')}}, 'default': True}},
    'functional': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('truth')}}, 'default': False}},
}}},
'block': {'type': 'model', 'cls': BuiltForm, 'config': {'extra_fields_behavior': 'forbid'}, 'schema': {'type': 'model-fields', 'fields': {
    'args': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('arguments')}}, 'default': {}}},
    'let': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('values')}}, 'default': {}}},
    'layers': {'type': 'model-field', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('layers')}}},
}}},
'spec': {'type': 'model', 'cls': BuiltForm, 'config': {'extra_fields_behavior': 'forbid'}, 'schema': {'type': 'model-fields', 'fields': {
    'name': {'type': 'model-field', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('text')}}},
    'source': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('text')}}, 'default': ''}},
    'description': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('text')}}, 'default': ''}},
    'variables': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('values')}}, 'default': {}}},
    'presets': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('presets')}}, 'default': {}}},
    'input': {'type': 'model-field', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('inputs')}}},
    'blocks': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('blocks')}}, 'default': {}}},
    'layers': {'type': 'model-field', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('network')}}},
    'outputs': {'type': 'model-field', 'schema': {'type': 'default', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': Checked('tensors')}}, 'default': ()}},
}}},
}
