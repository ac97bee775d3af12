"""The core schema of the models in forms.py, made by docs/built_forms.py."""
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

from typing import Any

from convcalc.language.statements import built_field as field
from convcalc.language.statements import built_form as form

#: The structures of the language, by name.
STRUCTURES: dict[str, Any] = {
'sequential': form(name=field('layer_name', None), from_=field('tensors', (), validation_alias='from'), when=field('condition', True), trainable=field('condition', True), dtype=field('dtype', None), layers=field('layers')),
'repeat': form(name=field('layer_name', None), from_=field('tensors', (), validation_alias='from'), when=field('condition', True), trainable=field('condition', True), dtype=field('dtype', None), times=field('times'), index=field('index', None), share_weights=field('truth', False), layers=field('layers')),
'for_each': form(name=field('layer_name', None), from_=field('tensors', (), validation_alias='from'), when=field('condition', True), trainable=field('condition', True), dtype=field('dtype', None), rows=field('rows', validation_alias='in'), bind=field('bind'), layers=field('layers')),
'residual': form(name=field('layer_name', None), from_=field('tensors', (), validation_alias='from'), when=field('condition', True), trainable=field('condition', True), dtype=field('dtype', None), layers=field('layers'), shortcut=field('layers', ()), connect=field('condition', True)),
'branches': form(name=field('layer_name', None), from_=field('tensors', (), validation_alias='from'), when=field('condition', True), trainable=field('condition', True), dtype=field('dtype', None), paths=field('paths'), merge=field('merge'), split=field('truth', False)),
}
#: The other forms.
OTHERS: dict[str, Any] = {
'element': form(name=field('layer_name', None), from_=field('tensors', (), validation_alias='from'), when=field('condition', True), trainable=field('condition', True), dtype=field('dtype', None)),
'call': form(name=field('layer_name', None), from_=field('tensors', (), validation_alias='from'), when=field('condition', True), trainable=field('condition', True), dtype=field('dtype', None), weights=field('weights', None)),
'layer': form(name=field('layer_name', None), from_=field('tensors', (), validation_alias='from'), when=field('condition', True), trainable=field('condition', True), dtype=field('dtype', None), weights=field('weights', None), functional=field('truth', False), output_shape=field('output_shape', None)),
'block': form(args=field('arguments', {}), let=field('values', {}), module=field('condition', None), layers=field('layers')),
'spec': form(name=field('text'), source=field('text', ''), description=field('text', ''), notes=field('notes', {}), variables=field('values', {}), presets=field('presets', {}), budgets=field('budgets', {}), input=field('inputs'), blocks=field('blocks', {}), layers=field('network'), outputs=field('tensors', ())),
}
