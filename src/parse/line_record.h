#pragma once

#include <string>
#include <string_view>

#include "model/record.h"
#include "parse/line.h"

namespace rankscope::parse {

// Fills level, step and fields of the record from its text (record.text set, already redacted; ANSI and launcher
// prefixes are looked through, never removed from text). Names and units are those of DESIGN.md section 3; the
// framework's own name is kept beside the canonical one where they differ. Lines that are no metric lines get no
// field. Linear in the text; stateless; thread-safe.
void UnderstandLine(model::Record* record);

// Where the line is a part of one that was too long for a record: field `line_part`, 1, 2, …, and of the last also
// `line_parts`, how many there are.
void MarkPart(const Line& line, model::Record* record);

// Replaces secrets (tokens of Hugging Face, W&B, GitHub, AWS, OpenAI, Slack, GitLab, Google, JWTs, private keys,
// passwords in URLs, KEY=value with a telling name) by "PREFIX[REDACTED]". Returns whether something was replaced.
bool RedactSecrets(std::string* text);

}  // namespace rankscope::parse
