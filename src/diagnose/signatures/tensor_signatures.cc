#include "diagnose/signatures/signature.h"

namespace rankscope::diagnose {
namespace {

using enum Role;

// Shapes, types and devices of tensors, and DistributedDataParallel's bookkeeping of gradients.
constexpr Signature kTable[] = {
    {"tensor_shape_mismatch", "operands", kCause, 86,
     R"(The size of tensor a \(\d+\) must match|shapes cannot be multiplied|mat1 dim 1 must match|shape '\[.*\]' is invalid for input|Sizes of tensors must match)"
     R"(|stack expects each tensor to be equal size|size mismatch, (?:m1|got)|must match the existing size|shape mismatch: |must have the same shape|contracting dimensions to have the same shape|[Ss]hapes?\b.*(?:not aligned|mismatch|do not match|don't match|must match|incompatible|(?:are|is) not compatible)|[Ii]ncompatible shapes|could not be broadcast|not broadcastable|could not broadcast)"},
    {"tensor_shape_mismatch", "dimensions", kCause, 84,
     R"(Expected size for first two dimensions|[Dd]imension(?:s)? (?:out of range|mismatch|specified as|of size)|must have (?:the )?same (?:number of dimensions|size)|number of dims don't match|split_with_sizes expects|inconsistent tensor sizes?|selected index k out of range|too many values to unpack|[Ee]xpected (?:\dD|input|\d+-dimensional|tensor|hidden)\S*.{0,60}(?:to have|got|but)|Given (?:groups|normalized_shape|transposed)=|einsum\(\).*|output with shape \[|cannot reshape (?:tensor|array))"},
    {"tensor_shape_mismatch", "targets", kCause, 86,
     R"(Calculated padded input size per channel|Expected more than 1 value per channel|batch_size \(\d+\) to match target batch_size|[Tt]arget size \(.*\) must be the same as input size|size of (?:the )?(?:tensor|input|target|logits).*(?:must|should) (?:match|be)|The shape of the mask|Image features and image tokens do not match|tokens? .* do(?:es)? not match|Tensors must have same)"},

    {"tensor_shape_mismatch", "operands", kCause, 86,
     R"((?:Error|Exception)\b.*(?:[Ss]hapes?\b.*(?:does not|doesn't|not) match|\b(?:have|has|of|with) different (?:shapes?|sizes?)\b))"},
    {"tensor_shape_mismatch", "operands", kCause, 86,
     R"((?:Error|Exception)\b.*(?:does not have same shape|[Mm]ismatch\w* (?:\w+ )?shapes?\b))"},

    {"tensor_shape_mismatch", "operands", kCause, 80,
     R"(^(?:[\w.]+\.)?\w*(?:Error|Exception)\b.*\b(?:[Ss]izes?|[Dd]im(?:ension)?s?|[Ll]engths?)\b[^.;]{0,60}(?:do not|don't|does not|doesn't) match)"},

    {"dtype_device_mismatch", "devices", kCause, 89,
     R"((?:Error|Exception)\b.*(?:on the same device but got|requires CUDA tensors|not on the same device))"},
    {"dtype_device_mismatch", "types", kCause, 88,
     R"((?:Error|Exception)\b.*(?:[Uu]nsupported dtype|[Ii]ncompatible dtypes?|dtype \S+ != |uniform original parameter dtype))"},
    {"dtype_device_mismatch", "types", kCause, 88, R"(must be one of torch\.(?:cuda\.)?\w+Tensor)"},
    {"dtype_device_mismatch", "devices", kCause, 89,
     R"(Expected object of (?:device|backend) type|Expected all tensors to be on the same device|found at least two devices|is on (?:cpu|cuda:\d+), (?:but|expected)|on different devices|tensor(?:s)? .* on (?:the )?(?:CPU|cpu).*expected|module must have its parameters and buffers on device|can't convert cuda:\d+ device type tensor|Cannot copy out of meta tensor|on (?:the )?meta device|Tensor for argument .* is on|must be on (?:the same device|a? ?cuda|GPU)|Tensor on device \S+ is not on the expected device|No backend type associated with device type|Input, output and indices must be on the current device)"},
    {"dtype_device_mismatch", "types", kCause, 88,
     R"(Attempting to unscale FP16|has invalid dtype|expected scalar type \w+ but (?:found|got)|[Ee]xpected (?:m1|mat1|query|self|a tensor|tensor|object of scalar type|dtype|floating point type|all|output).{0,60}(?:same dtype|d?type)|(?:have|has|be|of|in|with) (?:the )?same (?:data type|dtype|type)\b|Input type .* and (?:weight|bias) type|not implemented for '\w+'|result type \w+ can't be cast|source and destination dtypes match|(?:uniform|same|mixed|different|inconsistent|mismatched|unsupported) dtypes?|dtype mismatch|data types? mismatch|only supports? (?:fp16|float16|half|bf16|Half|float32|Float)|only support fp16|must be (?:fp16|bf16|float16|bfloat16|half)|expected (?:torch\.)?(?:cuda\.)?(?:Float|Half|BFloat16|Double|Long|Int)\w* (?:but|tensor|but got)|got (?:mixed|unexpected) dtype|type torch\.\S+ (?:but|and) got|Found dtype \w+ but expected|value cannot be converted to type|BFloat16 is not supported|Got unsupported ScalarType|required to be (?:floating|integral)|only accepts? floating.point|got desired dtype=)"},

    {"unused_parameters_ddp", "unused", kCause, 93,
     R"(Expected to have finished reduction in the prior iteration|parameters that were not used in producing (?:the )?loss)"},
    {"unused_parameters_ddp", "ready twice", kCause, 93,
     R"(mark(?:ed)? (?:as ready|a variable ready|ready) (?:twice|only once)|ready only once|has been marked as ready twice|parameter (?:at index )?\d* ?(?:.{0,40})has already been reduced|The parameter \d+ has already been reduced|set_static_graph.*(?:unused|change)|training graph has changed)"},
};

}  // namespace

std::span<const Signature> TensorSignatures() { return kTable; }

}  // namespace rankscope::diagnose
