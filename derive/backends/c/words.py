"""The words that generated files use themselves, so that nothing else may be called so.

A test compares them with what the templates print.
"""

from __future__ import annotations

# Reserved by C99, by newer C, or by C++, whose compilers read the header; and NULL.
LANGUAGE = frozenset(
    "alignas alignof and and_eq asm atomic auto bitand bitor bool break case catch char class "
    "compl complex const constexpr const_cast continue decltype default delete do double "
    "dynamic_cast else enum explicit export extern false float for friend goto if imaginary "
    "inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq "
    "private protected public register reinterpret_cast restrict return short signed sizeof "
    "static static_assert static_cast struct switch template this thread_local throw true try "
    "typedef typeid typename typeof union unsigned using virtual void volatile wchar_t while "
    "xor xor_eq NULL asm fortran unix linux".split()
)
# Of the standard headers that the file includes.
HEADERS = frozenset(
    "size_t ptrdiff_t int32_t int64_t uint32_t uint64_t memcpy memset memmove strlen offsetof "
    "INFINITY NAN HUGE_VAL fabs fabsf copysign copysignf exp expf exp2 expm1 expm1f log logf "
    "log1p log1pf log2 log10 sqrt sqrtf cbrt hypot sin sinf cos cosf tan asin acos atan atan2 "
    "sinh cosh tanh asinh acosh atanh floor floorf ceil round trunc rint nearbyint pow powf "
    "fmod fma fmax fmin fdim erf erfc tgamma lgamma gamma frexp ldexp modf logb scalbn nan "
    "isnan isinf isfinite signbit j0 j1 jn y0 y1 yn significand drem pow10 exp10 "
    "sincos index".split()
)
# Of the file: types, macros, constants and functions.
FILE = frozenset(
    "real vector whole word F PRAGMA OMP EACH SUM_OF INLINE UNROLL WIDEST VECTOR_BYTES LANES "
    "TILE_ROWS TILE_VECTORS TILE_COLUMNS TILE TILES DEPTH CHUNK ENOUGH WORTH SET ADD MANTISSA BIAS "
    "LARGEST_EXP SMALLEST_EXP LOG2_HIGH LOG2_LOW LOG2 ONE_BY_LOG2 SHIFTER smaller larger "
    "rounded_up packed_size panel_width pack gather scatter put tile tile_of_one tiles panel_times "
    "panel_times_one multiply multiply_either accumulate accumulate_size power_of_two "
    "small_expm1 exp_below_one log1p_below_one sigmoid r_tanh r_exp softplus log_sigmoid relu "
    "unit_step sign heaviside maximum choose take team block_of share together ended "
    "begin final clear_ended real_is_as_wide_as_word segment segment_from segment_steps "
    "hand_on".split()
)
PHASES = (
    frozenset(
        f"{routine}_{phase}"
        for routine in ("forward", "backward", "step", "jvp", "hvp_there", "hvp_back")
        for phase in ("constants", "before", "step", "after", "totals")
    )
    | frozenset(
        f"{routine}_{part}"
        for routine in ("forward", "backward", "step", "jvp", "hvp")
        for part in ("memory", "memory_in")
    )
    | {"step_hand_on", "step_rows"}
)
SEGMENTS = frozenset(
    f"{routine}_segment" for routine in ("forward", "backward", "jvp", "hvp_there", "hvp_back")
) | {"forward_set_up", "forward_again"}
# Of its functions: arguments, and what the templates call things.
LOCAL = frozenset(
    "run sizes steps sequences params tape xs state lengths threads dys dstate params_dot xs_dot "
    "state_dot dys_dot dstate_dot dparams dxs dparams_dot dxs_dot dstate_start dstate_dot_start "
    "ys ys_dot last_state work at it used numbers prepared T B t row rows seq col line head from "
    "to first last next chunk part parts sum left count width n start end size offsets "
    "layout segments again dots all".split()
)

WORDS = LANGUAGE | HEADERS | FILE | PHASES | SEGMENTS | LOCAL

# Of the file of a network, beside these.
OF_NETWORK = frozenset(
    "kept keep turned turn add_turned join part_again let_through draw_mask set_mask most adjoints "
    "adjoints_in stream stream_in comparison comparison_in comparison_call masks targets weights "
    "classes "
    "back call given dgiven dlast dfirst both one other own rate average mask uniform source k b "
    "counts compared dcompared share losses values dvalues dtargets value total array "
    "product result length tangents tangents_in there adjoint_tangents adjoint_tangents_in beside "
    "still still_size unread along turning begun dlast_dot".split()
)
