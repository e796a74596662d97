#include "diagnose/signatures/signature.h"

namespace rankscope::diagnose {
namespace {

using enum Role;

// How libraries word a check of their own: what it is, and what it is or should be.
constexpr std::string_view kShapeChecked =
    R"((?:Error|Exception)(?:: |\().*(?:[Ss]hapes?\b.{0,60}(?:\b[Ee]xpect\w*|\b[Gg]ot\b|\breceived\b|[Mm]ismatch\w*|\bdiffer\w*|\b(?:must|should) (?:equal|match|be \(?\[?(?:of shape|\(|\[|\d))|not equal\b|!=)|(?:[Ee]xpect\w*|[Uu]nexpected|[Ii]nvalid|[Ii]ncorrect|[Ww]rong|[Ii]ncompatible|[Mm]ismatch\w*|(?:must|should) (?:have|be of)|not match)\b.{0,40}\b(?:shapes?\b|torch\.Size\()|torch\.Size\([^)]*\) ?!=))";
constexpr std::string_view kDimensionsWanted =
    R"((?:Error|Exception)(?:: |\().*(?:[Ee]xpect\w*|[Mm]ust|[Ss]hould|[Oo]nly|[Ii]nvalid)\b.{0,50}\b(?:rank-\d|(?:\d|two|three|four|five|one)-?[ ]?(?:[Dd]|dim(?:ension(?:al|s)?)?)\b))";
constexpr std::string_view kDimensionsDiffer =
    R"((?:Error|Exception)(?:: |\().*(?:(?:[Dd]im(?:ension)?s?|[Nn]dim|[Rr]ank of (?:the )?(?:input|tensor|weight)\w*)\b.{0,50}(?:\bgot\b|[Mm]ismatch\w*|\breceived\b|not match|\b(?:must|shall|should) (?:match|be (?:\d|the same|equal))|\bto be the same\b|\bvar(?:y|ies) across\b)|(?:same|[Ww]rong|[Ii]nvalid|[Uu]nexpected|[Ii]ncompatible)(?: number of| last| first| hidden| head| batch| \w)* (?:dims?|dimensions?)\b))";
constexpr std::string_view kTypeChecked =
    R"((?:Error|Exception)(?:: |\().*(?:\b(?:dtypes?|data ?types?)\b.{0,50}(?:\b[Ee]xpected|\bgot\b|\bfound\b|[Mm]ismatch\w*|[Uu]nsupported|not (?:supported|match|allowed)|\bit should\b|differ\w*|!=)|(?:[Uu]nsupported|[Uu]nexpected|[Uu]nknown|[Ii]nvalid|[Ii]ncorrect|[Ww]rong|[Mm]ismatch\w*|[Ee]xpect\w*|[Oo]nly supports?|(?:must|should) have|does not (?:accept|support)|different)\b.{0,30}\b(?:dtypes?\b|data ?types?\b|torch\.(?:b?float|u?int|complex|bool|half)\w*)|torch\.\w+ != torch\.\w+|non-\w+ dtypes?\b))";
constexpr std::string_view kTypeWanted =
    R"((?:Error|Exception)(?:: |\().*(?:must|should|expect\w* .{0,40}to|requires?|only supports?)(?: be| have| of| (?:d?type|dtype))* (?:torch\.)?(?:b?float(?:8\w*|16|32|64)|u?int(?:8|16|32|64)|[Ff][Pp](?:8|16|32)|[Bb][Ff]16|float or|floating.point|complex|bool tensor)\b)";
constexpr std::string_view kDeviceChecked =
    R"((?:Error|Exception)(?:: |\().*(?:(?:requires?|must be|needs?|expects?|only (?:supports?|works? on))\b.{0,20}(?:\b(?:CUDA|cuda|GPU|NPU|XPU|HIP)\b(?:/\w+)?(?: \w+)? tensors?|\bon (?:a |the )?(?:CUDA|cuda|GPU))|tensors?.{0,30}\bdevice\b.{0,40}(?:not match|[Mm]ismatch|differ)|\b(?:tensors?|inputs?|weights?|parameters?|arguments?|modules?)\b.{0,60}(?:on|to) the same (?:GPU|device)\b|[Ee]xpected .{1,40} on (?:cpu|cuda|GPU)\b.{0,10} (?:but|found|got)))";
// torch's own.
constexpr std::string_view kTorchSizes =
    R"((?:RuntimeError|ValueError|IndexError): .*(?:\dD (?:\(batch mode\) )?(?:data )?tensor expected|(?:[Ee]xpect\w*|supports?) .{0,60}(?:\d|more|non-\w+) (?:dims?|dimensions?)\b|[Ee]xpect\w* .{0,60}sizes? .{0,40}\bgot\b|\bsize mismatch\b|\b(?:have|be) rank \d|tensor with sizes \[))";
constexpr std::string_view kTorchTypes =
    R"((?:RuntimeError|ValueError|TypeError): .*(?:[Uu]nexpected scalar type|[Ee]xpected object of scalar type|must be a torch\.\w+Tensor|expects (?:a )?(?:b?float\w*|half|real-valued|complex|integral)\b))";
constexpr std::string_view kTorchDevices =
    R"((?:RuntimeError|ValueError): .*(?:(?:have|need) the same device|to be (?:a )?CUDA tensors?|must be on devices\[|unexpected device type|same device type, but got))";

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
    {"tensor_shape_mismatch", "checked", kCause, 85, kShapeChecked},
    {"tensor_shape_mismatch", "checked", kCause, 84, kDimensionsWanted},
    {"tensor_shape_mismatch", "checked", kCause, 84, kDimensionsDiffer},
    {"tensor_shape_mismatch", "checked", kCause, 83, kTorchSizes},

    {"tensor_shape_mismatch", "operands", kCause, 80,
     R"(^(?:[\w.]+\.)?\w*(?:Error|Exception)\b.*\b(?:[Ss]izes?|[Dd]im(?:ension)?s?|[Ll]engths?)\b[^.;]{0,60}(?:do not|don't|does not|doesn't) match)"},

    {"dtype_device_mismatch", "types", kCause, 87, kTypeChecked},
    {"dtype_device_mismatch", "types", kCause, 86, kTypeWanted},
    {"dtype_device_mismatch", "devices", kCause, 88, kDeviceChecked},
    {"dtype_device_mismatch", "types", kCause, 86, kTorchTypes},
    {"dtype_device_mismatch", "devices", kCause, 88, kTorchDevices},
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
    {"unused_parameters_ddp", "unused", kCause, 90,
     R"(Parameter(?:s| indices) which did not receive grad for rank \d)"},
    {"unused_parameters_ddp", "ready twice", kCause, 93,
     R"(mark(?:ed)? (?:as ready|a variable ready|ready) (?:twice|only once)|ready only once|has been marked as ready twice|parameter (?:at index )?\d* ?(?:.{0,40})has already been reduced|The parameter \d+ has already been reduced|set_static_graph.*(?:unused|change)|training graph has changed)"},
};

}  // namespace

std::span<const Signature> TensorSignatures() { return kTable; }

}  // namespace rankscope::diagnose
