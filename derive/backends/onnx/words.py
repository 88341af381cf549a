"""The names that ONNX's text, or a model, has already, so that nothing else may be called so."""

TYPES = frozenset(
    "float float16 bfloat16 double string bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 "
    "complex64 complex128 float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz float8e8m0 "
    "float6e2m3 float6e3m2 float4e2m1 int2 int4 uint2 uint4 seq map optional sparse_tensor".split()
)
WORDS = TYPES | frozenset("xs ys lengths inf nan".split())
# What the template computes, called so where a cell has no such name.
OWN = (
    "ended ended_s loop none one axes shape count row steps axis ends unit lead whole numbers each"
).split()
