#include <nlohmann/json.hpp>
#include <string>

#include "diagnose/case/plain_tree.h"

namespace rankscope::diagnose {
namespace {

using Kind = PlainTree::Kind;
using Node = PlainTree::Node;
using Json = nlohmann::json;

// Puts what the parser says into a tree.
class TreeBuilder : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return Take({}); }
  bool boolean(bool value) override { return Take({Kind::kBool, value, 0, {}, {}}); }
  bool number_integer(int64_t value) override { return Take({Kind::kInteger, value, 0, {}, {}}); }
  bool number_unsigned(uint64_t value) override { return number_integer(static_cast<int64_t>(value)); }
  bool number_float(double value, const std::string& /*text*/) override {
    return Take({Kind::kReal, 0, value, {}, {}});
  }
  bool string(std::string& value) override { return Take({Kind::kText, 0, 0, std::move(value), {}}); }
  bool binary(Json::binary_t& /*value*/) override { return false; }
  bool key(std::string& value) override { return string(value); }
  bool start_object(size_t /*size*/) override { return Open(Kind::kDict); }
  bool start_array(size_t /*size*/) override { return Open(Kind::kList); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool parse_error(size_t position, const std::string& /*token*/, const Json::exception& /*why*/) override {
    error_at = position;
    return false;
  }

  PlainTree tree;
  size_t error_at = 0;

 private:
  bool Take(Node node) {
    if (tree.size() >= PlainTree::kMostNodes) return false;
    PlainTree::Place place = tree.Add(std::move(node));
    if (!open_.empty()) tree.Change(open_.back()).items.push_back(place);
    return true;
  }
  bool Open(Kind kind) {
    if (!Take({kind, 0, 0, {}, {}})) return false;
    open_.push_back(static_cast<PlainTree::Place>(tree.size() - 1));
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }

  std::vector<PlainTree::Place> open_;
};

}  // namespace

base::Result<PlainTree> ReadJson(std::string_view bytes) {
  TreeBuilder builder;
  if (Json::sax_parse(bytes, &builder)) return std::move(builder.tree);
  std::string why = builder.tree.size() >= PlainTree::kMostNodes ? "too many values" : "not valid";
  return base::Status::Invalid("JSON: " + why + " at byte " + std::to_string(builder.error_at));
}

}  // namespace rankscope::diagnose
