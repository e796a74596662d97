#include "base/yaml_reader.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/nearest.h"

namespace rankscope::base {
namespace {

std::string Listed(std::span<const std::string_view> words) {
  std::string text;
  for (std::string_view word : words) text += (text.empty() ? "" : ", ") + std::string(word);
  return text;
}

std::string Shown(const YAML::Node& node) {
  constexpr size_t kShown = 40;
  if (node.IsMap()) return "a map";
  if (node.IsSequence()) return "a list";
  if (!node.IsScalar()) return "nothing";
  const std::string& text = node.Scalar();
  return "\"" + (text.size() > kShown ? text.substr(0, kShown) + "…" : text) + "\"";
}

}  // namespace

Result<YAML::Node> YamlReader::Load(const std::string& yaml) const {
  try {
    return YAML::Load(yaml);
  } catch (const YAML::Exception& error) {
    return Status::Invalid(name_ + ":" + std::to_string(error.mark.line + 1) + ":" +
                           std::to_string(error.mark.column + 1) + ": no YAML: " + error.msg);
  }
}

std::string YamlReader::Place(const YAML::Node& node) const {
  return name_ + ":" + std::to_string(std::max(0, node.Mark().line) + 1);
}

Status YamlReader::Wrong(const YAML::Node& at, const std::string& what) const {
  return Status::Invalid(Place(at) + ":" + std::to_string(std::max(0, at.Mark().column) + 1) + ": " + what);
}

Status YamlReader::Expected(const YAML::Node& at, const std::string& what) const {
  return Wrong(at, "expected " + what + ", found " + Shown(at));
}

Status YamlReader::Map(const YAML::Node& node, std::string_view what, const std::vector<Key>& keys) const {
  if (!node.IsMap()) return Expected(node, std::string(what) + ", a map");
  std::set<std::string> seen;
  for (const auto& entry : node) {
    ASSIGN_OR_RETURN(std::string name, Text(entry.first));
    if (!seen.insert(name).second) return Wrong(entry.first, "the key " + name + " comes twice");
    auto known = std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.name == name; });
    if (known == keys.end()) {
      std::vector<std::string_view> names;
      names.reserve(keys.size());
      for (const Key& key : keys) names.push_back(key.name);
      return Wrong(entry.first, "expected a key of " + std::string(what) + " (" + Listed(names) + "), found \"" + name +
                                    "\"" + Nearest(name, names));
    }
    Status taken = known->take(entry.second);
    // Where nothing stands there is no place: YAML gives that of what comes next.
    if (!taken.ok() && entry.second.IsNull())
      return Wrong(entry.first, "expected a value of the key " + name + ", found nothing");
    RETURN_IF_ERROR(taken);
  }
  return {};
}

Status YamlReader::List(const YAML::Node& node, std::string_view what,
                        const std::function<Status(const YAML::Node&)>& take) const {
  if (!node.IsSequence()) return Expected(node, std::string(what) + ", a list");
  for (const auto& item : node) RETURN_IF_ERROR(take(item));
  return {};
}

Result<std::string> YamlReader::Text(const YAML::Node& node) const {
  if (!node.IsScalar()) return Expected(node, "a text");
  return node.Scalar();
}

Result<double> YamlReader::Number(const YAML::Node& node) const {
  ASSIGN_OR_RETURN(std::string text, Text(node));
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return Expected(node, "a number");
  return number;
}

Result<int64_t> YamlReader::Count(const YAML::Node& node) const {
  ASSIGN_OR_RETURN(std::string text, Text(node));
  int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) {
    return Expected(node, "a number from 0 on");
  }
  return number;
}

Result<std::vector<std::string>> YamlReader::Texts(const YAML::Node& node) const {
  std::vector<std::string> texts;
  auto take = [&](const YAML::Node& item) -> Status {
    ASSIGN_OR_RETURN(std::string text, Text(item));
    texts.push_back(std::move(text));
    return {};
  };
  if (node.IsScalar()) {
    RETURN_IF_ERROR(take(node));
  } else {
    RETURN_IF_ERROR(List(node, "a text", take));
  }
  if (texts.empty()) return Expected(node, "at least one text");
  return texts;
}

Result<size_t> YamlReader::Word(const YAML::Node& node, std::span<const std::string_view> words) const {
  ASSIGN_OR_RETURN(std::string text, Text(node));
  auto found = std::find(words.begin(), words.end(), text);
  if (found == words.end()) return Expected(node, "one of " + Listed(words));
  return static_cast<size_t>(found - words.begin());
}

Status YamlReader::Read(const YAML::Node& node, std::string* target) const {
  ASSIGN_OR_RETURN(*target, Text(node));
  return {};
}

Status YamlReader::Read(const YAML::Node& node, std::vector<std::string>* target) const {
  ASSIGN_OR_RETURN(*target, Texts(node));
  return {};
}

Status YamlReader::Read(const YAML::Node& node, double* target) const {
  ASSIGN_OR_RETURN(*target, Number(node));
  return {};
}

Status YamlReader::Read(const YAML::Node& node, int64_t* target) const {
  ASSIGN_OR_RETURN(*target, Count(node));
  return {};
}

}  // namespace rankscope::base
