#include "notify/markdown.h"

#include <algorithm>

#include "notify/text.h"

namespace rankscope::notify {

std::string MarkdownOf(const MessageText::Paragraph& paragraph, size_t most_bytes) {
  std::string text = "**" + EscapeMarkdown(CutBytes(paragraph.title, 400)) + "**";
  for (const std::string& fact : paragraph.facts) text += "\n- " + EscapeMarkdown(fact);
  std::string tail;
  if (!paragraph.evidence.empty()) tail = "\n> " + EscapeMarkdown(CutBytes(paragraph.evidence, 400));
  if (!paragraph.link.empty() && paragraph.link.find_first_of("()<>[] \n") == std::string::npos) {
    tail += "\n[Open in Rankscope](" + paragraph.link + ")";
  }
  if (tail.size() >= most_bytes) return CutBytes(text, most_bytes);
  return CutBytes(text, most_bytes - tail.size()) + tail;
}

}  // namespace rankscope::notify
