#include "diagnose/signatures/exception_line.h"
#include "diagnose/signatures/signature.h"

namespace rankscope::diagnose {
namespace {

using enum Role;

constexpr std::string_view kSaving =
    R"(torch/serialization\.py.*\b(?:_?save|__exit__|_open_zipfile_writer)|\bin (?:torch_)?save\b|save_checkpoint|_save_checkpoint|\b_?save_model|save_pretrained|save_file|save_state|state_dict_saver|async_save|dist_checkpointing/.*save|dump_checkpoint|_save_optimizer|_save_zero|save_to_checkpoint|torch_checkpoint_engine|hooks/checkpoint\.py|model_checkpoint\.py.*\b_?save|checkpoint_saver\.py|rotate_checkpoints|FileSystemWriter|filesystem(?:_async)?\.py.*write)";
constexpr std::string_view kLoading =
    R"(torch/serialization\.py.*\b_?load|\bin (?:torch_)?load\b|load_checkpoint|_load_checkpoint|load_state_dict|load_model|_load_pretrained_model|load_sharded|state_dict_loader|dist_checkpointing/.*load|load_from_checkpoint|restore_checkpoint|load_file|safe_open|load_optimizer|_load_from_checkpoint|\bin (?:_?(?:\w+_)?resume|\w*resume_(?:from|train|checkpoint|ckpt|state|model|run)\w*)\b|load_zero|load_state\b|set_(?:optimizer|model)?_?state_dict|_load_optim_state_dict|optim_state_dict_to_load)";

// Engines that serve call it loading that they build the model, before there is a file to read.
constexpr std::string_view kBuilding =
    R"((?:vllm|sglang)/\S+", line \d+, in (?:load_model|get_model|_?initialize_model|__init__)\n[^\n]*\n*$)";

// What a checkpoint lacks.
constexpr std::string_view kBadCheckpoint =
    R"((?:Error|Exception)(?:: |\().*(?:[Ii]nvalid|[Uu]nexpected|[Ww]rong|[Cc]orrupt\w*|[Mm]alformed|[Mm]issing|[Ii]ncompatible)\b.{0,40}\b(?:checkpoints?|ckpt|state[_ ]dict|safetensors|optimizer states?)\b)";
constexpr std::string_view kCheckpointLacks =
    R"((?:Error|Exception)(?:: |\().*(?:\bcheckpoint|\bckpt|state[_ ]?dict|\boptimizer states?)\b.{0,60}(?:\bmissing\b|not (?:contain|have|match|exist|found)|no (?:entry|key|tensor|weight)|does not seem|[Mm]ismatch))";
constexpr std::string_view kNotInStateDict =
    R"((?:Error|Exception)(?:: |\().*(?:not (?:found|exist)|missing|no entry)\b.{0,30}\b(?:in|from) (?:the )?(?:\w+ )?state[_ ]dict\b)";
constexpr std::string_view kWeightsMissing =
    R"((?:Error|Exception)(?:: |\().*\b[Ww]eights (?:\S+ )?(?:are|were) (?:missing|not found))";
constexpr std::string_view kKeysMissing =
    R"((?:Error|Exception)(?:: |\().*(?:\bweights?\b.{0,60}\bmissing keys\b|not initialized from (?:the )?checkpoint))";
constexpr std::string_view kMissingWeights =
    R"((?:Error|Exception)(?:: |\().*(?:[Mm]issing|[Uu]nexpected)\b.{0,30}\bweights(?: (?:in|from|for|of)\b|$|[^ \w]))";

constexpr std::string_view kNoCheckpoint =
    R"((?i)error no file named|(?:could not find|not found)\b.{0,30}\bin (?:the )?checkpoint|checkpoint structure and target|checkpoint load paths?: .* does not exist|can't find a valid checkpoint|no (?:valid )?checkpoint (?:found|exists)|checkpoint.{0,60}(?:does not exist|not found|is corrupt|corrupted|could not be loaded)|(?:unable|fail(?:ed|ure)?|could not|cannot|error).{0,25}\b(?:load|restor|resum|read)\w*.{0,30}(?:checkpoint|ckpt|state.?dict|weights))";

// Disks, file systems, checkpoints, rights.
constexpr Signature kTable[] = {
    {"checkpoint_save_failed", "disk full", kCause, 90,
     R"(No space left on device|Disk quota exceeded|\[Errno (?:28|122)\])", kSaving},
    {"checkpoint_save_failed", "disk full", kCause, 90,
     R"((?:No space left on device|Disk quota exceeded|\[Errno (?:28|122)\]).*'[^']*(?:checkpoint|ckpt|global_step\d|iter_\d)[^']*\.(?:pt|pth|bin|ckpt|safetensors|distcp|tmp)')"},
    {"checkpoint_save_failed", "torch writer", kCause, 92,
     R"(PytorchStreamWriter failed|write\(\): fd \d+ failed|unexpected pos \d+ vs \d+|iostream error|basic_ios::clear|\[enforce fail at inline_container\.cc:\d+\])"},
    {"checkpoint_save_failed", "write", kCause, 86,
     R"(file write failed|Error while serializing: (?:IoError|I/O)|SafetensorError: Error while serializing|write(?:_data)? .*checkpoint.*fail)"},
    // What torch.save says before it writes.
    {"checkpoint_save_failed", "path", kCause, 87,
     R"(Parent directory \S+ does not exist|RuntimeError: File \S+ cannot be opened|Directory not empty: .*(?:checkpoint|ckpt))"},
    {"checkpoint_save_failed", "path", kCause, 76,
     R"(FileNotFoundError|NotADirectoryError|IsADirectoryError|FileExistsError|Directory not empty)", kSaving},
    {"checkpoint_save_failed", "shared tensors", kCause, 86,
     R"(Some tensors share memory|trying to be saved contain\w* shared tensors|tensors? sharing memory.*save|removing shared tensors)"},
    {"checkpoint_save_failed", "message", kCause, 82,
     R"((?i)(?:fail(?:ed|ure|s)?|error|exception|unable|could not|cannot).{0,25}\b(?:sav(?:e|ing)|writ(?:e|ing))\b.{0,30}(?:checkpoint|ckpt|model state|optimizer state)|(?:checkpoint|ckpt)[ _](?:sav(?:e|ing)|writ(?:e|ing)|upload)\w*.{0,40}(?:fail|error))"},
    {"checkpoint_save_failed", "writer process", kCause, 86,
     R"(Checkpoint background process is dead|waiting for response from checkpointer process)"},
    {"checkpoint_save_failed", "in the way", kCause, 86,
     R"((?:Error|Exception)\b.*(?:Checkpoint already exists and|conflict with a future checkpoint))"},
    {"checkpoint_save_failed", "distributed", kCause, 78, R"(Checkpoint(?:ing)?Exception)", kSaving},
    {"checkpoint_save_failed", "distributed", kSymptom, 70, R"(CheckpointException)"},
    {"checkpoint_save_failed", "exception", kSymptom, 66, kException, kSaving},

    {"checkpoint_load_failed", "keys or sizes", kCause, 90,
     R"(Error\(s\) in loading state_dict|size mismatch for |(?:Missing|Unexpected) key\(s\) in state_dict)"},
    {"checkpoint_load_failed", "torch reader", kCause, 90,
     R"(PytorchStreamReader failed|Weights only load failed|failed finding central directory|not a ZIP archive)"},
    {"checkpoint_load_failed", "pickle", kCause, 80, R"(invalid load key|UnpicklingError)"},
    {"checkpoint_load_failed", "torch reader", kCause, 93,
     R"(inline_container\.cc:\d+\] \. (?:file not found|PytorchStreamReader|failed (?:finding|locating|reading)))"},
    {"checkpoint_load_failed", "layout", kCause, 88,
     R"((?:Error|Exception)\b.*(?:checkpoint count \d+ is different|bogus DeepSpeed checkpoint|is not a (?:model state|zero) checkpoint|(?:[Uu]nsupported|[Uu]nknown|[Dd]eprecated \w+) checkpoint (?:format|layout|version)|but was not saved as a|Checkpoint at \S+ is invalid|[Ii]nvalid checkpoint metadata|class input value \S+ and checkpoint ?value))"},
    {"checkpoint_load_failed", "missing", kCause, 88,
     R"((?:Error|Exception)\b.*(?:state is missing in checkpoint|Missing (?:key|optimizer state) .{0,60}\bin (?:the )?checkpoint|(?:does not exist|not found|could not find .{0,60}) in (?:the )?loaded checkpoint|[Cc]heckpoint does not contain|checkpoint contains (?:only the model|neither)))"},
    {"checkpoint_load_failed", "missing", kCause, 77, kBadCheckpoint},
    {"checkpoint_load_failed", "missing", kCause, 77, kCheckpointLacks},
    {"checkpoint_load_failed", "missing", kCause, 77, kNotInStateDict},
    {"checkpoint_load_failed", "missing", kCause, 77, kWeightsMissing},
    {"checkpoint_load_failed", "missing", kCause, 77, kKeysMissing},
    {"checkpoint_load_failed", "missing", kCause, 77, kMissingWeights},
    {"checkpoint_load_failed", "tensor", kCause, 90, R"(Global shape mismatch for loaded)"},
    {"checkpoint_load_failed", "tensor", kCause, 88,
     R"(Trying to set a tensor of shape|does not match source tensor size)"},
    {"checkpoint_load_failed", "safetensors", kCause, 88,
     R"(HeaderTooLarge|HeaderTooSmall|MetadataIncompleteBuffer|SafetensorError: Error while deserializing|InvalidHeader\w*|Error while deserializing header)"},
    {"checkpoint_load_failed", "optimizer", kCause, 88,
     R"(loaded state dict (?:has|contains) a (?:different|parameter group)|different number of parameter groups|doesn't match the size of optimizer's group)"},
    {"checkpoint_load_failed", "distributed", kCause, 80,
     R"(CheckpointException|CheckpointingException|Missing key in checkpoint state_dict|Failed to (?:validate|find) .*(?:global plan|checkpoint))",
     kLoading},
    {"checkpoint_load_failed", "distributed", kSymptom, 70, R"(CheckpointingException)"},
    {"checkpoint_load_failed", "world size", kCause, 90,
     R"(checkpoint being loaded used a DP world size|checkpoint was saved with (?:a )?(?:different )?world size)"},
    {"checkpoint_load_failed", "missing", kCause, 80, kNoCheckpoint},
    {"checkpoint_load_failed", "exception", kSymptom, 66, kException, kLoading},
    {"python_exception_one_rank", "building the model", kSymptom, 67, kException, kBuilding},

    {"disk_full", "enospc", kCause, 78, R"(No space left on device|\[Errno 28\]|\bENOSPC\b|database or disk is full)"},
    {"disk_full", "quota", kCause, 80, R"(Disk quota exceeded|\[Errno 122\]|\bEDQUOT\b)"},
    {"disk_full", "image", kCause, 91, R"(No space left on device|Disk quota exceeded|\[Errno (?:28|122)\])",
     R"((?:PIL/Image|imageio/\S+|matplotlib/\S+)\.py"?, line \d+, in (?:save|imwrite|savefig|print_\w+))"},
    {"disk_full", "temporary", kCause, 82, R"(No usable temporary directory found)"},
    {"disk_full", "watched", kCause, 66,
     R"((?i)not enough (?:free )?disk space|is over 9\d(?:\.\d+)?% full|insufficient disk space|disk (?:is )?full|out of disk)"},

    {"filesystem_stale_or_io_error", "stale", kCause, 90, R"(Stale (?:NFS )?file handle|\[Errno 116\]|ESTALE)"},
    {"filesystem_stale_or_io_error", "mount lost", kCause, 90,
     R"(Transport endpoint is not connected|\[Errno 107\]|Cannot send after transport endpoint shutdown|\[Errno 108\])"},
    {"filesystem_stale_or_io_error", "eio", kCause, 90,
     R"(Input/output error|\[Errno 14\] Bad address|\[Errno 5\]|Remote I/O error|\[Errno 121\]|I/O error, dev|blk_update_request)"},
    {"filesystem_stale_or_io_error", "server", kCause, 84,
     R"(nfs: server \S+ not responding|LustreError|Lustre: .*(?:evict|timed out|Connection .* lost)|Read-only file system|Structure needs cleaning|EXT4-fs error|XFS .*(?:error|corruption)|beegfs.*(?:error|timeout)|ceph.*(?:hung|lost))"},
    {"filesystem_stale_or_io_error", "object store", kCause, 84,
     R"(An error occurred \((?:SlowDown|ServiceUnavailable|InternalError|RequestTimeout|50[034])\) when calling the \w+ operation)"},
    {"filesystem_stale_or_io_error", "locks", kCause, 88,
     R"(No locks available|\[Errno 37\]|Error\b.*unable to lock file, errno)"},
    {"filesystem_stale_or_io_error", "busy", kCause, 78,
     R"(\[Errno 16\] Device or resource busy|Bad file descriptor|\[Errno 9\])"},
    {"filesystem_stale_or_io_error", "stall", kCause, 72,
     R"((?i)(?:storage|filesystem|file system|\bnfs|lustre|gpfs|\bI/O)\b.{0,40}\b(?:stall|hang|hung|timed out|unresponsive|not responding))"},

    {"permission_denied", "file", kCause, 84, R"(PermissionError|\[Errno 13\]|Permission denied|\bEACCES\b)"},
    {"permission_denied", "operation", kCause, 80,
     R"(Operation not permitted|\[Errno 1\]|\bEPERM\b|access denied|AccessDenied)"},
    {"permission_denied", "object store", kCause, 84,
     R"(An error occurred \((?:AccessDenied|ExpiredToken\w*|InvalidAccessKeyId|SignatureDoesNotMatch|403)\) when calling the \w+ operation)"},
    {"permission_denied", "operation", kCause, 80,
     R"((?:Error|Exception)\b.*(?:elevated privileges|permission to (?:access|read|write)|[Uu]nable to overwrite|not authorized to))"},
    {"permission_denied", "operation", kCause, 84,
     R"(\bPERMISSION_DENIED: |status = (?:StatusCode\.)?PERMISSION_DENIED\b)"},
    {"permission_denied", "tracker", kCause, 84,
     R"((?i)(?:wandb|mlflow|neptune|comet|clearml|swanlab|tracking).{0,80}(?:\b40[13]\b|permission denied|forbidden|unauthorized)|permission denied.{0,30}(?:project|entity|wandb)|CommError.{0,60}(?:permission|403))"},
};

}  // namespace

std::span<const Signature> StorageSignatures() { return kTable; }

}  // namespace rankscope::diagnose
