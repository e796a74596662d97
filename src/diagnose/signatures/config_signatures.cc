#include "diagnose/signatures/signature.h"

namespace rankscope::diagnose {
namespace {

using enum Role;

// The innermost frame is not the program's own.
constexpr std::string_view kInLibrary = R"((?:site|dist)-packages/[^\n]*\n(?:[^F\n][^\n]*\n)*$)";

constexpr std::string_view kFlag =
    R"(^(?:[\w.]+\.)?(?:ValueError|AssertionError|NotImplementedError|RuntimeError): .*(?:--[a-z][\w-]+(?:[= ]\S+)? (?:must|should|requires?|needs?|cannot|can't|conflicts?|is (?:not|only|required)|are (?:not|required)|does not|not supported)|(?:[Pp]ass|[Ss]et|[Uu]se|[Uu]nset|[Ss]pecify|[Dd]isable|[Rr]un with|[Rr]equires?|without|conflicts with|support(?:ed with)?) (?:the )?`?--[a-z]))";

// What a library raises about what it was given, where that arrives. Python's own "cannot convert …" and "invalid
// literal …" are of what it made of it.
constexpr std::string_view kArgument =
    R"(^(?:[\w.]+\.)?(?:ValueError|NotImplementedError|MisconfigurationException): .*(?:\b[Mm]ust\b|\b[Ss]hould\b|\w can ?not\b|\b[Rr]equires?\b|\b[Nn]eeds?\b|\b[Ee]ither\b|\b[Bb]oth\b|\b[Oo]nly\b|\b[Ee]xpected argument\b|has to be|have to be|is required|\b(?:[Uu]nsupported|[Uu]nrecognized|[Uu]nknown|Invalid|[Uu]nexpected)\b|\binvalid (?:[a-km-z]|l[^i])|not (?:yet )?(?:supported|implemented|available|compatible|allowed|specified|provided|set|defined|registered)|(?:does not|doesn't|do not|don't|currently not) (?:yet |currently )?(?:support|exist|implement|accept|allow)|\b[Pp]lease\b|[Yy]ou (?:have|specified|passed|provided|set|should|need|are)|available (?:\w+ )?(?:are|is|options)|[Cc]hoose|[Ss]upported \w+|[Vv]alid \w+ are|>=? ?\d|greater than|less than))";

// Arguments, configuration files, environment, devices asked for, and files that the user named.
constexpr Signature kTable[] = {
    {"config_error", "arguments", kCause, 88,
     R"(error: (?:unrecognized arguments|the following arguments are required|argument \S+|ambiguous option|invalid choice)|: error: argument|no such option|remaining_argv|[Uu]n(?:known|used|parsed) arg(?:ument|v)?s?\b|No such option|Got unexpected extra argument|unrecognized arguments)"},
    {"config_error", "arguments", kCause, 90, R"(Error: .*got an unexpected keyword argument)"},
    // Of a type or a layout that somebody has named, not of a tensor's.
    {"config_error", "arguments", kCause, 89,
     R"(Error: .*\b(?:d?type|data type)\b.*(?:--[a-z]|[Cc]hoose|for (?:the )?dataset))"},
    {"config_error", "devices", kCause, 91, R"(Error: .*\b(?:device[_ ]mesh|mesh_shape)\b)"},
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
     R"(invalid device ordinal|(?:[Ww]orld.?[Ss]ize|num(?:ber of)? (?:gpus?|processes|devices)|nproc\w*|tensor.model.parallel|pipeline).{0,60}(?:must|should|is not|does not|larger|greater|less|smaller|exceed|more than|but)|requires? (?:at least )?\d+ GPUs?|only \d+ (?:GPUs?|devices?) (?:are |is )?available|You requested gpu: |available GPUs \d+ is less than)"},
    {"config_error", "combination", kSymptom, 64,
     R"((?:ValueError|AssertionError|NotImplementedError|RuntimeError|Exception).*(?:mutually exclusive|cannot be used (?:together|with)|not compatible|incompatible|is not supported|(?:not|n't) support|unsupported|conflict|[Yy]ou can(?:not|'t) |can(?:not|'t) (?:be )?(?:use|combine|set|enable|specif)|only (?:one|supported|supports?|works?)|at least one|must (?:be|have|specify|provide|set|use|match)|should be (?:one|set|a|an|greater|less|in)|[Pp]lease (?:set|specify|provide|use|check|pass|make|disable|enable|correct)|need(?:s)? to (?:be )?(?:set|specif|provid|pass)|requires (?:a|an|the|that|at least|either|setting|both|all|--|`|\w+=)|not recogni[sz]ed|[Uu]nknown (?:argument|option|optimi[sz]er|scheduler|model|backend|type|mode|strategy|template|dataset|loss|key|parameter|\w+ type|\w+ name)|[Ii]nvalid (?:value|choice|option|config\b)|is not (?:a )?(?:valid|in \[|one of|allowed)|expected one of|unexpected value|not found in the base model|[Tt]arget modules))"},
    {"config_error", "flag", kCause, 85, kFlag},
    {"config_error", "argument", kSymptom, 60, kArgument, kInLibrary},
    {"config_error", "devices", kCause, 84,
     R"(exceeds available GPUs|Error\b.*device \d+ is not visible|not valid with the current list of valid GPU counts|Elasticity\w*Error\b|ElasticityIncompatible\w*)"},
    {"config_error", "environment", kCause, 74,
     R"(\bMASTER_(?:ADDR|PORT)\b.{0,6} env was not set|Error\b.*[Ee]nvironment variable `\w+` not found)"},
    {"config_error", "environment", kCause, 74, R"((?:endpoint|[Pp]ort) is (?:absent|missing) in endpoint)"},
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
     // Not of a module that the configuration names, which fails as it is loaded.
     R"((?:\bin (?:parse_args\w*|validate_args|validate_config|__post_init__|parse_config|load_config|_configure_\w*(?:batch|argument|param)\w*|_sanity_check|check_config|_batch_assertion|validate_\w*(?:arg|conf|param|option|setting|flag|hyper|input)\w*|get_args\w*)\b|argparse\.py|hf_argparser|omegaconf/|hydra/|pydantic)(?:[^<]|<[^m])*$)"},
};

}  // namespace

std::span<const Signature> ConfigSignatures() { return kTable; }

}  // namespace rankscope::diagnose
