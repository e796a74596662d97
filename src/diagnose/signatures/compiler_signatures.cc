#include "diagnose/signatures/exception_line.h"
#include "diagnose/signatures/signature.h"

namespace rankscope::diagnose {
namespace {

using enum Role;

// Kernels that are compiled while the job runs, and what compiles them.
constexpr Signature kTable[] = {
    {"triton_or_kernel_compile_error", "triton", kCause, 88,
     R"(triton\.(?:compiler|runtime|language)\.[\w.]*(?:Error|OutOfResources)|triton.*CompilationError|\bCompilationError\b|OutOfResources|PassManager::run failed|Triton Error|PTX codegen error|error: operand #\d+|TritonMissing)"},
    {"triton_or_kernel_compile_error", "compiler", kCause, 70, R"(LLVM ERROR)"},
    {"triton_or_kernel_compile_error", "compiler", kCause, 86,
     R"((?:Error|Exception)\b.*(?:(?:NVCC|NVRTC|nvcc|hipcc) compilation failed|failed to compile (?:TPU )?kernel))"},
    // Of a kernel's variants some may not compile, and autotuning takes another.
    {"triton_or_kernel_compile_error", "triton", kSymptom, 50, R"(^loc\(.*\): error: )"},
    {"triton_or_kernel_compile_error", "shared memory", kCause, 86,
     R"((?:Error|Exception)\b.*(?:[Rr]equested shared memory \(\d+ bytes\) exceeds|Kernel requires \d+ bytes of shared memory))"},
    {"triton_or_kernel_compile_error", "assembler", kCause, 90,
     R"(Command '\[?'?\S*/(?:ptxas|nvcc|cicc)\b|ptxas (?:fatal|error|.*(?:died|failed))|ptxas exited|`ptxas` failed|Cannot find ptxas|nvrtc: error|NVRTC_ERROR\w*|nvcc (?:fatal|error)|nvlink (?:fatal|error)\s*:)"},
    {"triton_or_kernel_compile_error", "inductor", kCause, 86,
     R"(InductorError|BackendCompilerFailed|LoweringException|torch\._(?:dynamo|inductor)\.exc\.|CppCompileError|CUDACompileError|torch\._inductor.*Error|InternalTorchDynamoError|TorchRuntimeError|FailOnRecompileLimitHit)"},
    // torch says it below what its compiler raised, and nowhere else.
    {"triton_or_kernel_compile_error", "inductor", kSymptom, 66,
     R"(^Set TORCH_LOGS=\S\+dynamo\S and TORCHDYNAMO_VERBOSE=1 for more|^Set TORCHDYNAMO_VERBOSE=1 for the internal stack)"},
    {"triton_or_kernel_compile_error", "extension", kCause, 87,
     R"(Error building extension|ninja: build stopped|Error compiling objects for extension|Command '\['?(?:\S*/)?ninja|[Nn]inja is required to load|error: command .*(?:nvcc|gcc|g\+\+|cc).* failed|Unable to JIT load the|Unable to pre-compile|CUDA_HOME (?:environment variable is not set|does not exist)|JIT (?:build|compil\w+).*(?:fail|error)|[Ff]ailed to (?:JIT|compile|build) .*(?:kernel|op|extension|cuda))"},
    {"triton_or_kernel_compile_error", "extension not built", kCause, 91,
     R"(torch_extensions/\S+\.so: cannot open shared object file)"},
    {"triton_or_kernel_compile_error", "compiler", kCause, 84,
     R"(fatal error: \S+\.h(?:pp)?: No such file|cc1plus: |collect2: error|/ld: cannot find|Failed to find C compiler|unsupported GNU version|FAILED: \S+\.o\b)"},
    // Triton's launchers before 3.0 are compiled from strings, one a kernel; what is not yet compiled raises in them.
    {"triton_or_kernel_compile_error", "launcher", kSymptom, 66, kException,
     R"(File "<string>", line \d+, in \w*kernel\w*\n)"},
    // What a compiler says of itself, whatever of tensors.
    {"triton_or_kernel_compile_error", "assertion", kSymptom, 90, R"(^(?:AssertionError|NotImplementedError)\b)",
     R"((?:torch/_inductor|triton/(?:compiler|backends))/[^\n]*\n(?:[^F\n][^\n]*\n)*$)"},
    {"triton_or_kernel_compile_error", "exception", kSymptom, 66, kException,
     R"(triton/(?:compiler|runtime|backends)|torch/_inductor/|torch/utils/cpp_extension|jit_load|op_builder)"},
};

}  // namespace

std::span<const Signature> CompilerSignatures() { return kTable; }

}  // namespace rankscope::diagnose
