#pragma once

#include <yaml-cpp/yaml.h>

#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace rankscope::base {

// Reads the nodes of one YAML file; everything that is wrong is "NAME:LINE:COLUMN: what". No exception leaves it.
class YamlReader {
 public:
  explicit YamlReader(std::string name) : name_(std::move(name)) {}

  Result<YAML::Node> Load(const std::string& yaml) const;

  Status Wrong(const YAML::Node& at, const std::string& what) const;
  // "expected WHAT, found …".
  Status Expected(const YAML::Node& at, const std::string& what) const;

  // One key of a map, and what takes its value.
  struct Key {
    std::string_view name;
    std::function<Status(const YAML::Node&)> take;
  };
  // Gives each value of the map to its key. An unknown key, or one that comes twice, is an error.
  Status Map(const YAML::Node& node, std::string_view what, const std::vector<Key>& keys) const;
  Status List(const YAML::Node& node, std::string_view what,
              const std::function<Status(const YAML::Node&)>& take) const;

  Result<std::string> Text(const YAML::Node& node) const;
  Result<double> Number(const YAML::Node& node) const;
  Result<int64_t> Count(const YAML::Node& node) const;
  // A text, or a list of texts.
  Result<std::vector<std::string>> Texts(const YAML::Node& node) const;
  // Which of the words it is.
  Result<size_t> Word(const YAML::Node& node, std::span<const std::string_view> words) const;
  Result<size_t> Word(const YAML::Node& node, std::initializer_list<std::string_view> words) const {
    return Word(node, std::span(words.begin(), words.size()));
  }
  std::string Place(const YAML::Node& node) const;  // NAME:LINE

  // What takes a value into *target, of a type that one of the functions above makes. Both must outlive it.
  template <typename Target>
  std::function<Status(const YAML::Node&)> Into(Target* target) const {
    return [this, target](const YAML::Node& node) { return Read(node, target); };
  }

 private:
  Status Read(const YAML::Node& node, std::string* target) const;
  Status Read(const YAML::Node& node, std::vector<std::string>* target) const;
  Status Read(const YAML::Node& node, double* target) const;
  Status Read(const YAML::Node& node, int64_t* target) const;

  std::string name_;
};

}  // namespace rankscope::base
