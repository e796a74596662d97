#include "diagnose/signatures/signature.h"

namespace rankscope::diagnose {
namespace {

using enum Role;

// Drivers and libraries, packages, compilers, configuration, and Python's ordinary exceptions.
constexpr Signature kTable[] = {
    {"driver_or_library_mismatch", "driver", kCause, 92,
     R"(CUDA driver version is insufficient|NVIDIA driver on your system is too old|forward compatibility was attempted|unsupported display driver|system has unsupported|(?i:driver/library version mismatch)|CUDA_ERROR_SYSTEM_DRIVER_MISMATCH|system not yet initialized)"},
    {"driver_or_library_mismatch", "architecture", kCause, 90,
     R"(no kernel image is available|compiled with an unsupported toolchain|provided PTX was compiled|not compatible with the current PyTorch installation|invalid device function|CUDA_ERROR_NO_BINARY_FOR_GPU|was not compiled for (?:this )?(?:gpu|sm_)|does not support .*\bsm_\d+|device kernel image is invalid)"},
    {"driver_or_library_mismatch", "symbol", kCause, 90,
     R"(undefined symbol|GLIBCX*X?_[\d.]+.? not found|version .\S+. not found \(required by|symbol lookup error|symbol not found)"},
    {"driver_or_library_mismatch", "library", kCause, 86,
     R"(cannot open shared object file|Could not load library lib|lib(?:cud|nccl|cublas|nv)\S*\.so\S*.{0,40}(?:not found|cannot|missing|mismatch)|DLL load failed|failed to map segment)"},
    {"driver_or_library_mismatch", "no device", kCause, 80,
     R"(Found no NVIDIA driver|couldn't communicate with the NVIDIA driver|could not select device driver|Torch not compiled with CUDA enabled|CUDA unknown error - this may be due to|No CUDA GPUs are available|no CUDA-capable device is detected|Failed to initialize NVML|CUDA initialization: .*(?:error|Unexpected)|NVML_ERROR|Can't initialize NVML|Could not find CUDA drivers)"},
    {"driver_or_library_mismatch", "versions", kCause, 86,
     R"(Distributed package doesn't have \w+ built in|detected CUDA version .*mismatches|Installed CUDA version \S+ does not match|The detected CUDA version|NCCL version mismatch|[Vv]ersion mismatch.*(?:CUDA|cuDNN|NCCL|driver|torch)|PyTorch and torch\w+ (?:has|have|were) .*different CUDA|compiled against .* but .* found|cuDNN version incompatibility|built with CUDA .* but)"},

    {"driver_or_library_mismatch", "no device", kCause, 82,
     R"(CUDA Setup failed|CUDA SETUP: (?:CUDA detection failed|Setup Failed))"},

    {"missing_dependency_import_error", "module", kCause, 84,
     R"(ModuleNotFoundError|ImportError: cannot import name|No module named )"},
    {"missing_dependency_import_error", "import", kCause, 80, R"(\bImportError\b)"},
    {"missing_dependency_import_error", "package", kCause, 80,
     R"(PackageNotFoundError|DistributionNotFound|VersionConflict|No package metadata|pkg_resources\.\w+)"},
    {"missing_dependency_import_error", "package", kCause, 72,
     R"((?:requires|needs|depends on) (?:the )?\S+ (?:package|library|module|to be installed|version|[<>=]=)|is (?:required|not installed)[ ,.].*(?:install)|[Pp]lease (?:pip )?install|(?:run|try|via|using|with):? .?pip install|install it (?:with|via)|is not installed\b|to be installed\b|but .* (?:is not|wasn't) (?:installed|found))"},
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

    {"triton_or_kernel_compile_error", "triton", kCause, 88,
     R"(triton\.(?:compiler|runtime|language)\.[\w.]*(?:Error|OutOfResources)|triton.*CompilationError|\bCompilationError\b|OutOfResources|PassManager::run failed|Triton Error|PTX codegen error|error: operand #\d+|TritonMissing)"},
    {"triton_or_kernel_compile_error", "compiler", kCause, 70, R"(LLVM ERROR)"},
    {"triton_or_kernel_compile_error", "assembler", kCause, 90,
     R"(Command '\[?'?\S*/(?:ptxas|nvcc|cicc)\b|ptxas (?:fatal|error|.*(?:died|failed))|ptxas exited|`ptxas` failed|Cannot find ptxas|nvrtc: error|NVRTC_ERROR\w*|nvcc (?:fatal|error)|nvlink (?:fatal|error)\s*:)"},
    {"triton_or_kernel_compile_error",
     "inductor", kCause, 86, R"(InductorError|BackendCompilerFailed|LoweringException|torch\._(?:dynamo|inductor)\.exc\.|CppCompileError|CUDACompileError|torch\._inductor.*Error|InternalTorchDynamoError|TorchRuntimeError|FailOnRecompileLimitHit)"},
    {"triton_or_kernel_compile_error", "extension", kCause, 87,
     R"(Error building extension|ninja: build stopped|Error compiling objects for extension|Command '\['?(?:\S*/)?ninja|[Nn]inja is required to load|error: command .*(?:nvcc|gcc|g\+\+|cc).* failed|Unable to JIT load the|Unable to pre-compile|CUDA_HOME (?:environment variable is not set|does not exist)|JIT (?:build|compil\w+).*(?:fail|error)|[Ff]ailed to (?:JIT|compile|build) .*(?:kernel|op|extension|cuda))"},
    {"triton_or_kernel_compile_error", "extension not built", kCause, 91,
     R"(torch_extensions/\S+\.so: cannot open shared object file)"},
    {"triton_or_kernel_compile_error", "compiler", kCause, 84,
     R"(fatal error: \S+\.h(?:pp)?: No such file|cc1plus: |collect2: error|/ld: cannot find|Failed to find C compiler|unsupported GNU version|FAILED: \S+\.o\b)"},
    {"triton_or_kernel_compile_error", "exception", kSymptom, 66, R"(^(?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception)\b)",
     R"(triton/(?:compiler|runtime|backends)|torch/_inductor/|torch/utils/cpp_extension|jit_load|op_builder)"},

    {"config_error", "arguments", kCause, 88,
     R"(error: (?:unrecognized arguments|the following arguments are required|argument \S+|ambiguous option|invalid choice)|: error: argument|no such option|remaining_argv|[Uu]n(?:known|used|parsed) arg(?:ument|v)?s?\b|No such option|Got unexpected extra argument|unrecognized arguments)"},
    {"config_error", "arguments", kCause, 82,
     R"(Some specified arguments are not used|Some keys are not used|got an unexpected keyword argument|extra fields not permitted|Extra inputs are not permitted|missing \d+ required (?:positional|keyword)|could not find option)"},
    {"config_error", "config library", kCause, 84,
     R"(pydantic\S*ValidationError|\d+ validation errors? for|ConfigError|ConfigurationError|MisconfigurationException|Config(?:Attribute|Key|Type|Composition)\w*(?:Error|Exception)?|Interpolation\w*Error|HydraException|^Key '\S+' is not in struct|^Could not override '|Could not append to config|Error merging override|^Primary config .* not found|MissingMandatoryValue|omegaconf\.errors|DeepSpeedConfigError|yaml\.(?:scanner|parser|constructor)\.\w+|toml\S*DecodeError|ConfigValidation\w*|InvalidConfig\w*)"},
    {"config_error", "batch sizes", kCause, 84,
     R"(train_batch_size is not equal to|(?:is not|must be|should be|needs to be|not evenly|isn't|to be) (?:evenly )?divisible (?:by)?|must be (?:a )?(?:multiple|divisible)|not a multiple of|cannot be divided|should be divided|micro.batch|per_device_\w*batch)",
     R"(.)"},
    {"config_error", "batch sizes", kCause, 72,
     R"((?:AssertionError|ValueError).*(?:divisible|multiple of|batch.?size))"},
    {"config_error", "batch sizes", kSymptom, 66, R"(^AssertionError$)", R"(assert [^\n]*%[^\n]*== ?0[^\n]*\n$)"},
    {"config_error", "forked after CUDA began", kCause, 90, R"(Cannot re-initialize CUDA in forked subprocess)"},
    {"config_error", "devices", kCause, 84,
     R"(invalid device ordinal|(?:world.?size|num(?:ber of)? (?:gpus?|processes|devices)|nproc\w*|tensor.model.parallel|pipeline).{0,60}(?:must|should|is not|does not|larger|greater|less|smaller|exceed|more than|but)|requires? (?:at least )?\d+ GPUs?|only \d+ (?:GPUs?|devices?) (?:are |is )?available|You requested gpu: |available GPUs \d+ is less than)"},
    {"config_error", "combination", kSymptom, 64,
     R"((?:ValueError|AssertionError|NotImplementedError|RuntimeError|Exception).*(?:mutually exclusive|cannot be used (?:together|with)|not compatible|incompatible|is not supported|(?:not|n't) support|unsupported|conflict|[Yy]ou can(?:not|'t) |can(?:not|'t) (?:be )?(?:use|combine|set|enable|specif)|only (?:one|supported|supports?|works?)|at least one|must (?:be|have|specify|provide|set|use|match)|should be (?:one|set|a|an|greater|less|in)|[Pp]lease (?:set|specify|provide|use|check|pass|make|disable|enable|correct)|need(?:s)? to (?:be )?(?:set|specif|provid|pass)|requires (?:a|an|the|that|at least|either|setting|both|all|--|`|\w+=)|not recogni[sz]ed|[Uu]nknown (?:argument|option|optimi[sz]er|scheduler|model|backend|type|mode|strategy|template|dataset|loss|key|parameter|\w+ type|\w+ name)|[Ii]nvalid (?:value|choice|option|config)|is not (?:a )?(?:valid|in \[|one of|allowed)|expected one of|unexpected value|not found in the base model|[Tt]arget modules))"},
    {"config_error", "combination", kSymptom, 64, R"(Error:.*(?:can(?:not|'t) both be|at the same time\b))"},
    {"config_error", "environment", kCause, 74,
     R"(KeyError: '(?:RANK|LOCAL_RANK|WORLD_SIZE|MASTER_\w+|SLURM_\w+)'|to an existing deepspeed config)"},
    {"config_error", "registry", kCause, 74, R"(KeyError: .{0,60} is not in the (?:\S+ )?registry)"},
    {"config_error", "missing file", kCause, 70,
     R"(FileNotFoundError|NotADirectoryError|IsADirectoryError|can't open file|No such file or directory)"},
    {"config_error", "repository name", kCause, 80, R"(HFValidationError|Repo id must)"},
    {"config_error", "architecture", kCause, 74,
     R"(Unrecognized (?:configuration class|model in)|does not recognize this architecture|Unsupported model type|model type .* (?:is not|not) (?:supported|recogni[sz]ed))"},
    {"config_error", "architecture", kCause, 74, R"(^KeyError\b)", R"(auto/configuration_auto|CONFIG_MAPPING\[)"},
    {"config_error", "parsing", kSymptom, 62,
     R"(^(?:[\w.]+\.)?(?:ValueError|AssertionError|KeyError|TypeError|AttributeError|RuntimeError|NotImplementedError)\b)",
     R"(\bin (?:parse_args\w*|validate_args|validate_config|__post_init__|parse_config|load_config|_configure_\w*(?:batch|argument|param)\w*|_sanity_check|check_config|_batch_assertion|validate_\w+|get_args\w*)\b|argparse\.py|hf_argparser|omegaconf/|hydra/|pydantic)"},

    {"python_exception_one_rank", "exception", kSymptom, 52,
     R"(^(?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception|Interrupt|Exit|Iteration|Fault|Failure|Timeout)(?::|$))"},
    // Of programs that catch whatever comes, say it in a line and end.
    {"python_exception_one_rank", "exception", kSymptom, 50,
     R"((?i:\b(?:fatal|failed|crashed|aborting|unhandled|uncaught)\b)[^:]{0,60}: (?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception)(?:: |\(|$))"},
};

}  // namespace

std::span<const Signature> SoftwareSignatures() { return kTable; }

}  // namespace rankscope::diagnose
