#include "diagnose/signatures/exception_line.h"
#include "diagnose/signatures/signature.h"

namespace rankscope::diagnose {
namespace {

using enum Role;

constexpr std::string_view kTooOldGpu =
    R"((?:Error|Exception)\b.*(?:requires?|needs?|only (?:supported|available|runs) on|at least)\b.{0,25}(?:\bSM ?_?\d\d|\bsm_\d\d|\bgfx\d|\b(?:Volta|Turing|Ampere|Ada|Hopper|Blackwell)\b|compute capability))";
// What CUDA's runtime says of a driver that does not fit it.
constexpr std::string_view kDriverDoesNotFit =
    R"(CUDA driver is a stub library|not supported in the installed CUDA driver|unsupported by this runtime version|[Dd]river is newer than runtime|PTX JIT comp\w+ (?:library not found|was disabled)|Failed to load CUDA driver|shared object initialization failed|startup failure in cuda runtime|incompatible driver context|(?:update|upgrade) your (?:CUDA|NVIDIA|cuda|GPU) driver)";

constexpr std::string_view kPackageTooOld =
    R"((?:Error|Exception)(?:: |\().*(?:[Pp]lease (?:upgrade|install|reinstall|update (?:to )?(?:the )?[\w-]+ (?:to|>=|package|version|library))|\b[Uu]pgrade (?:to )?`?[a-z][\w-]+`?|needs `?[a-z][\w-]+(?:>=| >= ?)\d|requires? (?:a )?(?:[Pp]y)?[Tt]orch (?:version )?(?:v|>=? ?)?\d|[\w-]+ ?[><]=? ?v?\d+(?:\.\d+)* is required|but \S+==\S+ is installed|(?:is|are|was) not supported (?:while|with|in|by) \w+ version|version of [\w-]+ is (?:not compatible|required|too old)|this \w+ version is unsupported|can't be imported|\b(?:are not|must be) installed\b|(?:package|library|module) (?:is|was) not (?:found|importable)|not (?:compatible|supported)\b.{0,30}\bversion of [a-z]|[Ff]ailed to import))";

// An exception as `repr` shows it, of schedulers that catch what their tasks raise.
constexpr std::string_view kShownByRepr =
    R"(^(?i:exception|error|failed|failure|fatal|task failed|uncaught exception)\b[^:]{0,40}: ['"]?(?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception)\()";

constexpr std::string_view kNoDevice =
    R"(Found no NVIDIA driver|couldn't communicate with the NVIDIA driver|could not select device driver|Torch not compiled with CUDA enabled|CUDA unknown error - this may be due to|No (?:CUDA|HIP|XPU) (?:GPU|device)s are available|no CUDA-capable device is detected|Failed to initialize NVML|CUDA initialization: .*(?:error|Unexpected)|NVML_ERROR|Can't initialize NVML|Could not find CUDA drivers)";

constexpr std::string_view kOfOtherVersion =
    R"(Distributed package doesn't have \w+ built in|detected CUDA version .*mismatches|Installed CUDA version \S+ does not match|The detected CUDA version|NCCL version mismatch|[Vv]ersion mismatch.*(?:CUDA|cuDNN|NCCL|driver|torch)|PyTorch and torch\w+ (?:has|have|were) .*different CUDA|compiled against .* but .* found|cuDNN version incompatibility|built with CUDA .* but)";

// Drivers and libraries, packages, and Python's ordinary exceptions.
constexpr Signature kTable[] = {
    {"driver_or_library_mismatch", "driver", kCause, 92,
     R"(CUDA driver version is insufficient|NVIDIA driver on your system is too old|forward compatibility was attempted|unsupported display driver|system has unsupported|(?i:driver/library version mismatch)|CUDA_ERROR_SYSTEM_DRIVER_MISMATCH|system not yet initialized)"},
    {"driver_or_library_mismatch", "architecture", kCause, 90,
     R"(no kernel image is available|compiled with an unsupported toolchain|provided PTX was compiled|not compatible with the current PyTorch installation|invalid device function|CUDA_ERROR_NO_BINARY_FOR_GPU|was not compiled for (?:this )?(?:gpu|sm_)|does not support .*\bsm_\d+|device kernel image is invalid)"},
    {"driver_or_library_mismatch", "architecture", kCause, 82,
     R"((?:Error|Exception)\b.*(?:only supports? \w+ GPUs or newer|only supported on GPUs with compute capability|requires (?:GPUs? with )?compute capability))"},
    {"driver_or_library_mismatch", "architecture", kCause, 82, kTooOldGpu},
    {"driver_or_library_mismatch", "driver", kCause, 88, kDriverDoesNotFit},
    {"driver_or_library_mismatch", "symbol", kCause, 90,
     R"(undefined symbol|GLIBCX*X?_[\d.]+.? not found|version .\S+. not found \(required by|symbol lookup error|symbol not found)"},
    {"driver_or_library_mismatch", "library", kCause, 86,
     R"(cannot open shared object file|Could not load library lib|lib(?:cud|nccl|cublas|nv)\S*\.so\S*.{0,40}(?:not found|cannot|missing|mismatch)|DLL load failed|failed to map segment)"},
    {"driver_or_library_mismatch", "no device", kCause, 80, kNoDevice},
    {"driver_or_library_mismatch", "no device", kCause, 80,
     R"(Error\b.*compiled without (?:CUDA|HIP|XPU) support|libcudart functions unavailable|(?i:cuda driver(?: library)?) (?:can't|could not) be loaded)"},
    {"driver_or_library_mismatch", "no device", kCause, 80,
     R"(Error\b.*(?:no (?:accelerator )?device is detected|no GPU resources available|cuda\.is_available\(\) (?:is|returned|was) False))"},
    {"driver_or_library_mismatch", "versions", kCause, 86, kOfOtherVersion},

    {"driver_or_library_mismatch", "no device", kCause, 82,
     R"(CUDA Setup failed|CUDA SETUP: (?:CUDA detection failed|Setup Failed))"},

    {"missing_dependency_import_error", "module", kCause, 84,
     R"(ModuleNotFoundError|ImportError: cannot import name|No module named )"},
    {"missing_dependency_import_error", "import", kCause, 80, R"(\bImportError\b)"},
    {"missing_dependency_import_error", "package", kCause, 80,
     R"(PackageNotFoundError|DistributionNotFound|VersionConflict|No package metadata|pkg_resources\.\w+)"},
    {"missing_dependency_import_error", "version", kCause, 76,
     R"((?:Error|Exception)\b.*(?:[Oo]nly|[Mm]ust have at least|[Rr]equires|[Nn]eeds?) (?:TE|[Tt]ransformer[- ]?Engine|[Tt]orch|[Pp]y[Tt]orch|vLLM|transformers)\b.{0,20}(?:version )?(?:>=? ?)?\d+\.\d)"},
    {"missing_dependency_import_error", "version", kCause, 76,
     R"(Invalid Transformer Engine version|Current torch version does not have)"},
    {"missing_dependency_import_error", "package", kCause, 76,
     R"(launcher '\w+' not installed|requires \w+,? but not installed|were not found\. Ensure that)"},
    // What a logger calls a warning of it is below what counts.
    {"missing_dependency_import_error", "package", kCause, 65,
     R"((?:requires|needs|depends on) (?:the )?\S+ (?:package|library|module|to be installed|version|[<>=]=)|is (?:required|not installed)[ ,.].*(?:install)|[Pp]lease (?:pip )?install|(?:run|try|via|using|with):? .?pip install|install it (?:with|via)|is not installed\b|to be installed\b|but .* (?:is not|wasn't) (?:installed|found))"},
    {"missing_dependency_import_error", "version", kCause, 76, kPackageTooOld},
    {"missing_dependency_import_error", "lazy module", kCause, 74,
     R"(Failed to import \S+ because of the following error)"},
    {"missing_dependency_import_error", "command", kCause, 87, R"(: command not found)"},
    {"missing_dependency_import_error", "command", kCause, 84,
     R"(^rankscope: cannot run .*: No such file or directory)"},
    {"config_error", "command", kCause, 84,
     R"(^rankscope: cannot run .*: (?:Exec format error|Argument list too long))"},
    {"missing_dependency_import_error", "attribute", kSymptom, 64,
     R"(AttributeError: (?:partially initialized )?module '[\w.]+' has no attribute)"},
    {"missing_dependency_import_error", "at import", kSymptom, 62,
     R"(^(?:[\w.]+\.)?(?:Attribute|Runtime|Type|Syntax)Error\b)",
     R"(<frozen importlib|importlib/__init__\.py|\bin _?import_\w+|_LazyModule|in _get_module)"},

    {"python_exception_one_rank", "exception", kSymptom, 52, kException},
    {"python_exception_one_rank", "exception", kSymptom, 50, kShownByRepr},
    // Of programs that catch whatever comes, say it in a line and end.
    {"python_exception_one_rank", "exception", kSymptom, 50,
     R"(^(?i:fatal|aborting|unhandled|uncaught)\b[^:]{0,60}: (?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception)(?:: |\(|$))"},
    {"python_exception_one_rank", "exception", kSymptom, 50,
     R"(^(?i:training|run|job|main|worker|rank \d+) (?:failed|crashed)[^:]{0,60}: (?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception)(?:: |\(|$))"},
};

}  // namespace

std::span<const Signature> SoftwareSignatures() { return kTable; }

}  // namespace rankscope::diagnose
