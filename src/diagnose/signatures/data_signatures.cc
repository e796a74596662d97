#include "diagnose/signatures/exception_line.h"
#include "diagnose/signatures/signature.h"

namespace rankscope::diagnose {
namespace {

using enum Role;

// Where a sample is fetched, decoded, collated or tokenised.
constexpr std::string_view kReading =
    R"(_utils/(?:fetch|worker|collate)\.py|\bin __getitem__|\bin (?:\w+_)?collate\w*|datasets/(?:arrow_dataset|builder|packaged_modules|iterable_dataset|table|features)|\bin (?:_?tokenize\w*|encode_\w+|preprocess\w*|map_fn|load_image|decode_\w+|__iter__|process_sample|_prepare_\w*dataset))";

// What is said of a sample, of its length and of what a hub has.
constexpr std::string_view kBadSample =
    R"((?:Error|Exception)(?:: |\().*(?:[Ee]rror (?:loading|reading|decoding) (?:the )?(?:audio|video|image|sample|record|shard)|(?:[Dd]ataset|[Cc]olumn|[Ff]ield|[Ss]ample|[Rr]ecord|[Ee]xample|[Rr]ow)s?\b.{0,40}(?:\bis empty|\bare empty|\bmissing\b|contains? null|\bnot (?:present|found) in (?:the )?(?:dataset|data|sample|row|block))|\b[Ee]mpty (?:dataset|sample|batch|conversation|messages)\b|(?:valid|available|allowed) roles))";
constexpr std::string_view kTooLong =
    R"((?:Error|Exception)(?:: |\().*(?:(?:[Ss]equence|[Pp]rompt|[Ii]nput|[Cc]ontext|[Tt]oken)\w* [Ll]ength:? \(?\d+\)? (?:leaves no room|is (?:bigger|larger|longer|greater)|has to be less|should be (?:less|smaller))|[Mm]ax length (?:in batch )?exceeds))";
constexpr std::string_view kNotFetched =
    R"((?i)\b(?:failed|unable) to download\b|(?:Error|Exception)(?:: |\().*(?:\bdownload(?:ing)?\b.{0,60}\b(?:failed|failure|interrupted)|could not (?:be )?download|hub is not reachable|Unauthorized for (?:url|URL)|is a gated repo|not a valid git identifier|does not appear to have (?:a |any )?file))";

// Samples and data files, their length, and the way from hubs.
constexpr Signature kTable[] = {
    {"data_error", "json", kCause, 80,
     R"(JSONDecodeError|JSON parse error|Extra data: line \d+|Expecting (?:value|',' delimiter|property name))"},
    {"data_error", "encoding", kCause, 82, R"(Unicode(?:Decode|Encode)Error|invalid start byte|codec can't decode)"},
    {"data_error", "image", kCause, 86,
     R"(UnidentifiedImageError|cannot identify image file|image file is truncated|broken data stream|DecompressionBomb\w*|moov atom not found|DECORDError|LibsndfileError|File contains data in an unknown format|Invalid data found when processing input|Error (?:opening|reading|decoding) (?:image|video|audio))"},
    {"data_error", "image", kCause, 86, R"(\bDecodingError\b|Assertion failed\) !_?s(?:size|rc)\.empty)"},
    {"data_error", "table", kCause, 82,
     R"(Arrow(?:Invalid|TypeError|NotImplementedError)|DatasetGeneration(?:Cast)?Error|\bCastError\b|Error tokenizing data|ParserError|EmptyDatasetError|DataFilesNotFoundError|Column .{1,80} not in the dataset|No examples to train|Parquet magic bytes not found)"},
    {"data_error", "archive", kCause, 80,
     R"(BadZipFile|tarfile\.ReadError|zlib\.error|LZMAError|BadGzipFile|EOFError: Compressed file ended)"},
    {"data_error", "file", kCause, 80, R"(MDB_CORRUPTED|truncated file: eof|_csv\.Error|ElementTree\.ParseError)"},
    {"data_error", "tensors of samples", kCause, 84,
     R"(Unable to create tensor, you should probably activate|num_samples should be a positive integer|expected sequence of length \d+ at dim|text input must be of type|TextEncodeInput must be)"},
    {"data_error", "conversation", kCause, 80,
     R"(jinja2\.exceptions\.TemplateError|Conversation roles must alternate)"},
    {"data_error", "split", kCause, 84, R"(Unknown split \")"},
    {"data_error", "index file", kCause, 78,
     R"(mmap length is greater than file size|[Ii]ndex file doesn't match|bad (?:header|version), cannot read|Dataset index is corrupt|bad magic number.*idx)"},
    {"data_error", "reading a sample", kSymptom, 68,
     R"(^(?:[\w.]+\.)?(?:KeyError|ValueError|IndexError|TypeError|AssertionError|AttributeError|OSError|FileNotFoundError|RuntimeError|ZeroDivisionError|StopIteration|\w+\.\w+Error)\b)",
     kReading},
    {"data_error", "worker raised", kSymptom, 60, R"(Caught \w+ in DataLoader worker process)"},
    {"data_error", "message", kSymptom, 66, kBadSample},
    {"data_error", "message", kSymptom, 66,
     R"((?i)(?:corrupt\w*|malformed|invalid|bad|broken|unreadable) (?:sample|record|example|row|shard|data file|image|jsonl?)\b)"},

    {"sequence_too_long", "context length", kCause, 90, R"(maximum context length is \d+ tokens)"},
    {"sequence_too_long", "exceeds", kCause, 84,
     R"((?i)(?:sequence|input|prompt|context|token|position)\w*\b.{0,60}(?:exceed\w*|above (?:the )?maximum|longer than|larger than|greater than|too long|surpass\w*).{0,50}(?:max\w*|limit|length|position|context|cache|block_size|model))"},
    {"sequence_too_long", "exceeds", kCause, 82,
     R"((?i)(?:max_position_embeddings|maximum context length|max_seq(?:uence)?_len\w*|model_max_length|block size is only|position embeddings?).{0,60}(?:exceed|too (?:long|small)|<|longer|is only|but))"},
    // A buffer of one row, as positions and token types are, that is too short.
    {"sequence_too_long", "positions", kCause, 88,
     R"(The expanded size of the tensor \(\d+\) must match the existing size \(\d+\) at non-singleton dimension 1\.\s+Target sizes: \[\d+, \d+\]\.\s+Tensor sizes: \[1, \d+\])"},
    {"sequence_too_long", "exceeds", kCause, 82,
     R"((?i)(?:sequence|input|prompt|context|response|token)\w* length:? \(?\d+\)? (?:is )?(?:exceeds|(?:longer|larger|greater) than) \(?\d+)"},
    // ms-swift, of a row that it was not to cut.
    {"sequence_too_long", "exceeds", kCause, 84, R"(MaxLengthError: Current length of row\()"},
    {"sequence_too_long", "exceeds", kCause, 82,
     R"([Ss]equence length must be (?:less|smaller|at most)|Error: Input length of input_ids is \d+)"},
    {"sequence_too_long", "exceeds", kCause, 82, kTooLong},
    {"sequence_too_long", "cache", kCause, 84, R"(larger than the maximum number of tokens that can be stored)"},
    {"sequence_too_long", "forward", kCause, 82, R"(Cannot forward sequence of length \d+|block size is only \d+)"},
    {"sequence_too_long", "positions", kCause, 86,
     R"(The expanded size of the tensor \(\d+\) must match the existing size \(\d+\)|index out of range in self|index out of range: Tried to access index \d+ out of table)",
     R"(position_(?:ids|embeddings?)|position_embedding|buffered_token_type_ids|\bwpe\b|embed_positions|\bpos(?:itional)?_emb)"},

    {"hub_auth_or_download_error", "transfer", kCause, 76, kNotFetched},
    {"hub_auth_or_download_error", "hub", kCause, 86, R"(modelscope\.hub\.errors\.)"},
    {"hub_auth_or_download_error", "hub", kCause, 86,
     R"(GatedRepoError|RepositoryNotFoundError|RevisionNotFoundError|EntryNotFoundError|HfHubHTTPError|OfflineModeIsEnabled|BadRequestError|FileMetadataError|DatasetNotFoundError|LocalTokenNotFoundError)"},
    {"hub_auth_or_download_error", "gated", kCause, 88,
     R"((?i)access(?:ing)? (?:a )?gated repo|Access to (?:model|dataset) .* is restricted|awaiting a review|Invalid (?:username or password|user token)|Cannot access gated|Please log in|must (?:be authenticated|have access))"},
    {"hub_auth_or_download_error", "http", kCause, 84,
     R"(\b(?:40[134]|429) Client Error|\b50\d Server Error|Too Many Requests for url|HTTP Error [45]\d\d|rate limit(?:ed)? .*(?:hub|hf))"},
    {"hub_auth_or_download_error", "no network", kCause, 84,
     R"(We couldn't connect to 'https?://|Max retries exceeded with url|HTTPS?ConnectionPool\(|Couldn't reach |Can't reach|Connection error, and we cannot find the requested files|outgoing traffic has been disabled|offline mode is enabled|Cannot reach https?://)"},
    // A hub has a domain's name: what has an address, or a name of the cluster's, is a server of one's own.
    {"python_exception_one_rank", "server", kSymptom, 85,
     R"(HTTPS?ConnectionPool\(host=['"](?:[\d.]+|[\w-]+|[\[\]0-9a-f:]+|[\w.-]+\.(?:local|internal|svc))['"])"},
    {"hub_auth_or_download_error", "transfer", kCause, 78,
     R"(Consistency check failed|ChunkedEncodingError|IncompleteRead|CERTIFICATE_VERIFY_FAILED|SSLError|ProxyError|urlopen error|RemoteDisconnected|(?:requests|httpx|urllib3|aiohttp)\.\S*(?:Error|Timeout))"},
    {"hub_auth_or_download_error", "model name", kCause, 76, R"(is not a valid model identifier listed on|is not a local folder and is not a valid|make sure you don't have a local directory with the same name|Can't load (?:tokenizer|the (?:model|config\w*|image processor|feature extractor)) for)"},
    {"hub_auth_or_download_error", "tracker login", kCause, 82,
     R"(api_key not configured|wandb.*(?:not logged in|API key must be|[Pp]lease (?:run|log|login)|call wandb\.login)|UsageError.*api_key)"},
    {"hub_auth_or_download_error", "exception", kSymptom, 64, kException,
     R"(huggingface_hub/|\bhf_hub_download|snapshot_download|modelscope/hub|cached_file\b|load_state_dict_from_url)"
     R"(|download_url|init_hf_repo|\bcreate_repo\b|push_to_hub)"},
};

}  // namespace

std::span<const Signature> DataSignatures() { return kTable; }

}  // namespace rankscope::diagnose
