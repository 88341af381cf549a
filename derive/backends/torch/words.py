"""The words that generated modules use themselves, so that nothing else may be called so.

Tests compare them with what the templates print and with what PyTorch's modules have.
"""

from __future__ import annotations

import keyword

PYTHON = frozenset(keyword.kwlist)

# Of the module: what it imports and defines.
MODULE = frozenset(
    "annotations math warnings NamedTuple torch nn Tensor PackedSequence pack_padded_sequence "
    "pad_packed_sequence Inputs GIVEN STATES ROUTINES OPERATIONS PARAMETERS INPUTS STATE "
    "STARTS OUTPUT MATRICES INITIAL ENTRIES BIASES CONSTANTS".split()
)
# Of its functions: arguments, and what the templates call things.
FUNCTIONS = (
    PYTHON
    | MODULE
    | frozenset(
        "past given tape flat seeds dots seeds_dot starts ends steps ys ended len T B".split()
    )
)
# Of a layer: the attributes of nn.Module, then its own, and names in its methods.
LAYER = (
    PYTHON
    | MODULE
    | frozenset(
        "T_destination add_module apply bfloat16 buffers call_super_init children compile cpu "
        "cuda double dump_patches eval extra_repr float forward get_buffer get_extra_state "
        "get_parameter get_submodule half ipu load_state_dict modules mtia named_buffers "
        "named_children named_modules named_parameters parameters register_backward_hook "
        "register_buffer register_forward_hook register_forward_pre_hook "
        "register_full_backward_hook register_full_backward_pre_hook "
        "register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module "
        "register_parameter register_state_dict_post_hook register_state_dict_pre_hook "
        "requires_grad_ set_extra_state set_submodule share_memory state_dict to to_empty train "
        "training type xpu zero_grad num_layers bias batch_first dropout bidirectional device "
        "dtype flatten_parameters reset_parameters self row column".split()
    )
)
