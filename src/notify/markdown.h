#pragma once

#include <string>

#include "notify/message_text.h"

namespace rankscope::notify {

// A paragraph as the chats' Markdown has it, every text of ours escaped; at most `most_bytes`.
std::string MarkdownOf(const MessageText::Paragraph& paragraph, size_t most_bytes);

}  // namespace rankscope::notify
