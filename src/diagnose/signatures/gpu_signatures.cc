#include "diagnose/signatures/signature.h"

namespace rankscope::diagnose {
namespace {

using enum Role;

// CUDA, its libraries, the driver's and the kernel's words about a device.
constexpr Signature kTable[] = {
    {"cuda_oom", "allocation", kCause, 92, R"(CUDA out of memory|cuda runtime error \(2\))"},
    {"cuda_oom", "allocation", kCause, 88,
     R"((?:CUDA|HIP|XPU|NPU|MPS|cuda|CUDART?)(?: driver| backend)?(?: error|Error)?:? ?(?:2: )?out of memory|cudaMalloc\w*(?: retry)? failed: out of memory|out of memory\. Tried to allocate|cudaSuccess\b.*\bout of memory|\b[Ee]rror:? out of memory (?:at|in) (?:line \d|file ))"},
    {"cuda_oom", "allocation", kCause, 86, R"(\bOutOfMemoryError\b)"},
    {"cuda_oom", "allocation", kCause, 84, R"(cudaErrorMemoryAllocation|CUDA_ERROR_OUT_OF_MEMORY|hipErrorOutOfMemory)"},
    {"cuda_oom", "library", kCause, 84,
     R"(CUBLAS_STATUS_ALLOC_FAILED|CUDNN_STATUS_ALLOC_FAILED|CUSOLVER_STATUS_ALLOC_FAILED)"},
    {"cuda_oom", "inside nccl", kCause, 85,
     R"(Cuda failure (?:2 )?'out of memory'|Failed to CUDA (?:calloc|malloc|host alloc)|ncclCudaCalloc.*out of memory)"},
    {"cuda_oom", "jax", kCause, 80,
     R"(Ran out of memory in memory space|Attempting to (?:reserve|allocate) [\d.]+\w{1,3} ?\b.*\bThat was not possible|RESOURCE_EXHAUSTED: (?:Out of memory|Failed to allocate|Attempting to (?:reserve|allocate)|.*\bOOM\b))"},
    {"cuda_oom", "tensorflow", kCause, 88, R"(OOM when allocating tensor)"},
    {"cuda_oom", "paddle", kCause, 90, R"(Out of memory error on GPU \d+)"},
    {"cuda_oom", "device resources", kCause, 74, R"(\bResourceExhaustedError\b|device=\w+:\d+: RESOURCE_EXHAUSTED)"},
    {"cuda_oom", "does not fit", kCause, 80, R"(Make sure you have enough GPU RAM to fit)"},
    {"cuda_oom", "kv cache", kCause, 80,
     R"(Error\b.*larger than the available KV cache memory|Not enough memory\. Please try to increase --mem-fraction-static)"},
    {"cuda_oom", "other devices", kCause, 84,
     R"(ERROR_OUT_OF_DEVICE_MEMORY|Memory not enough: current free memory size|Device memory isn't enough)"},
    {"cuda_oom", "kv cache", kCause, 80,
     R"(No available memory for the cache blocks|less than desired GPU memory utilization)"},
    {"cuda_oom", "circuit breaker", kSymptom, 60,
     R"(out of memory.*(?:GPU|VRAM|device)|(?:GPU|VRAM|device).*out of memory)"},

    {"gpu_hardware_xid_ecc", "xid", kCause, 97,
     R"(NVRM: Xid \([^)]*\): (?:46|48|6[124]|74|79|92|9[45]|10[59]|110|119|120|136|14\d|15[0-8])\b)"},
    {"gpu_hardware_xid_ecc", "xid", kSymptom, 62, R"(NVRM: Xid|\bXid \(PCI|\bXid(?: error)?:? \d+|XID (?:error )?\d+)"},
    {"gpu_hardware_xid_ecc", "ecc", kCause, 97,
     R"((?i)uncorrect(?:able|ed) (?:volatile )?(?:double.bit )?ECC|ECC error|cudaErrorECCUncorrectable|double.bit ecc|CUDA_ERROR_ECC_UNCORRECTABLE)"},
    {"gpu_hardware_xid_ecc", "off the bus", kCause, 97,
     R"(fallen off the bus|GPU is lost|Unable to determine the device handle for (?:GPU|gpu)|GPU_IS_LOST|device has been (?:lost|removed))"},
    {"gpu_hardware_xid_ecc", "nvlink", kCause, 94,
     R"((?i)uncorrectable nvlink|nvlink (?:fatal|error|.*(?:is down|inactive))|peer GPU memory over nvlink or a hardware error)"},
    {"gpu_hardware_xid_ecc", "row remap", kCause, 90,
     R"((?i)row.?remap(?:per|ping)?.*(?:fail|pending)|remapped rows.*fail|page retirement.*(?:fail|pending))"},
    {"gpu_hardware_xid_ecc", "driver reset", kCause, 90,
     R"(RmInitAdapter failed|rm_init_adapter failed|GSP.*(?:RPC timed out|heartbeat|timeout)|waiting for RPC from GSP)"},
    {"gpu_hardware_xid_ecc", "driver reset", kCause, 90,
     R"(amdgpu: .*(?:GPU reset begin|ring \S+ timeout|device lost from bus)|device's health compromised)"},
    {"gpu_hardware_xid_ecc", "health check", kCause, 80,
     R"((?i)dcgm.*(?:health|diag).*(?:fail|error)|GPU health check failed|unhealthy GPU|bad GPU)"},
    {"gpu_hardware_xid_ecc", "device unavailable", kCause, 74,
     R"(HW Exception by GPU node|CUDA-capable device\(s\) is/are busy or unavailable|CUDA error: device not ready|cudaErrorDevicesUnavailable)"},
    {"gpu_hardware_xid_ecc", "hardware error", kCause, 80,
     R"(\[Hardware Error\]|Machine check|mce: |PCIe Bus Error|AER: .*(?:Uncorrected|Fatal)|CUDA error: hardware)"},

    {"cuda_illegal_memory_access", "illegal address", kCause, 88,
     R"(illegal memory access was encountered|CUDA_ERROR_ILLEGAL_ADDRESS|cudaErrorIllegalAddress|Warp Illegal Address)"},
    {"cuda_illegal_memory_access", "misaligned address", kCause, 87,
     R"(misaligned address|CUDA_ERROR_MISALIGNED_ADDRESS)"},
    // What a queue of ROCm's ends with.
    {"cuda_illegal_memory_access", "illegal address", kCause, 88,
     R"(HSA_STATUS_ERROR_(?:MEMORY_FAULT|MEMORY_APERTURE_VIOLATION|ILLEGAL_INSTRUCTION|INVALID_PACKET_FORMAT|EXCEPTION)\b)"},
    {"cuda_oom", "allocation", kCause, 84, R"(HSA_STATUS_ERROR_OUT_OF_RESOURCES)"},
    {"cuda_illegal_memory_access", "illegal instruction", kCause, 85,
     R"(an illegal instruction was encountered|invalid program counter|CUDA_ERROR_ILLEGAL_INSTRUCTION|Memory access fault by GPU node)"},
    {"cuda_illegal_memory_access", "launch failure", kCause, 78,
     R"(unspecified launch failure|CUDA_ERROR_LAUNCH_FAILED|cudaErrorLaunchFailure|the launch timed out and was terminated)"},
    {"cuda_illegal_memory_access", "xid 13/31", kSymptom, 64, R"(NVRM: Xid \([^)]*\): (?:13|31)\b)"},

    {"device_side_assert", "kernel assertion", kCause, 94,
     R"(\.(?:cu|cuh|h):\d+: .*\bblock: \[\d+, ?\d+, ?\d+\], thread: \[.*Assertion)"},
    {"device_side_assert", "kernel assertion", kCause, 94, R"(^/?[\w./-]*\.cuh?:\d+:.*[Aa]ssertion .* failed)"},
    {"device_side_assert", "kernel assertion", kCause, 92,
     R"(Assertion .(?:srcIndex|t >= 0|idx_dim|index >=|-sizes\[i\]|input_val|target_val|probability|cur_target|label).*failed)"},
    {"device_side_assert", "kernel assertion", kCause, 92, R"(Device-side assertion .* failed)"},
    {"device_side_assert", "report", kCause, 90, R"(device-side assert triggered|CUDA_ERROR_ASSERT|cudaErrorAssert)"},

    {"cublas_cudnn_error", "cublas", kCause, 78,
     R"(CUBLAS_STATUS_\w+|cublas runtime error|Blas (?:x?GEMM|GEMV)\w* launch failed|(?i:cublas(?:lt)?) [Ee]rror|cublas(?:Lt)?(?:Create|\w*Gemm\w*|Sgemm\w*)\b.*failed)"},
    {"cublas_cudnn_error", "cudnn", kCause, 76,
     R"(CUDNN_STATUS_\w+|cuDNN failed to initialize|DNN library (?:is not found|initialization failed)|cuDNN [Ee]rror|cuDNN(?: Frontend)? error)"},
    {"cublas_cudnn_error", "no algorithm", kCause, 76,
     R"(Unable to find a valid cuDNN algorithm|unable to find an engine to execute this computation|no valid execution plans)"},
    {"cublas_cudnn_error", "other library", kCause, 76,
     R"(CUSOLVER_STATUS_\w+|cusolver error|CUSPARSE_STATUS_\w+|CUFFT_\w+|cuFFT error|CURAND_STATUS_\w+|MIOPEN_STATUS_\w+|miopenStatus\w+|HIPBLAS_STATUS_\w+|rocBLAS error)"},
    {"cuda_illegal_memory_access", "cuda error", kSymptom, 48,
     R"(CUDA error: (?:invalid argument|invalid configuration argument|unknown error|operation not permitted|invalid resource handle|too many resources))"},

    // In prose: the quotes of a sample's fields part what says nothing of each other.
    {"thermal_or_power_throttle", "thermal", kCause, 82,
     R"((?i)(?:thermal|overheat\w*|temperature)[^"]{0,60}(?:throttl|slowdown|shutdown|exceed|above (?:the )?(?:threshold|limit))|(?:thermal|power) violation|throttl[^"]{0,60}(?:thermal|temperature|overheat)|(?:HW|SW)[_ ]thermal[_ ]slowdown\W+active)",
     "", Life::kGoesOn},
    {"thermal_or_power_throttle", "power", kCause, 82,
     R"((?i)power[^"]{0,40}throttl|throttl[^"]{0,40}power|power ?brake(?: slowdown)?\W+active|power cap(?:ping)?.{0,20}(?:active|engaged|reached)|clocks?.{0,30}(?:reduced|limited|capped).{0,40}(?:power|thermal|temp))",
     "", Life::kGoesOn},
    {"thermal_or_power_throttle", "clocks", kCause, 74,
     R"((?i)clocks?[_ ](?:throttle|event)[_ ]?reasons?.{0,40}(?:thermal|power|0x0*(?:4|8|20|40|60|80))\b|\bGPU[^"]{0,40}(?:down-?clock|throttl))",
     "", Life::kGoesOn},
};

}  // namespace

std::span<const Signature> GpuSignatures() { return kTable; }

}  // namespace rankscope::diagnose
