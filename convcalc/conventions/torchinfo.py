"""torchinfo's `summary`: the parameters of leaf modules, times what each is used for.

torchinfo/layer_info.py (`calculate_macs`) and model_statistics.py, version 1.8.0. It prints
"mult-adds". A parameter named weight or bias counts its elements: times the output's positions
where the class is called Conv-something, else once a sample. Versions from 0.1.5 on count alike.

- Matrix products count 0. An attention counts the parameters of its linear layers, once a sample;
  `nn.MultiheadAttention` (`functional` here) has children that are never called, and counts 0.
- A linear layer that runs at every position counts as if it ran at one.
- Norms count their parameters, not their elements; what has no parameters counts 0.
- Layer scale is a parameter of another name, in a module with children: 0.
- A transposed convolution counts its weights at every position of its (large) output.
- All parameters are counted, frozen ones too; a weight that several modules share counts in each,
  and so does a module that stands in several others.
"""

from convcalc.conventions.base import Convention, table

CONVENTION = Convention(
    name="torchinfo",
    tool="torchinfo.summary",
    version="1.8.0",
    unit="mult-adds",
    meaning="multiply–accumulates and biases, and the parameters of norms",
    summary="MACs and biases of convolutions; other layers' parameters, once a sample",
    share=0.15,
    rules=table(
        {
            "convolution": "macs + bias",
            "conv_transpose deform_conv": "params * positions",
            "linear": "params * batch if per_position else macs + bias",
            "batch_norm layer_norm group_norm instance_norm rms_norm prelu": "params * batch",
        }
    ),
    # torchvision's LayerNorm2d is a leaf module that calls a function.
    functions={"layer_norm": "params * batch"},
)
