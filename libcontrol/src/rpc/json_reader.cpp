#include "rpc/json_reader.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse_options.hpp>
#include <boost/json/value_stack.hpp>
#include <boost/system/error_code.hpp>
#include <unordered_set>

#include "control/limits.hpp"

namespace control {
namespace {

namespace json = boost::json;
using boost::system::error_code;

// Receives the parser's events; names and signatures are those that json::basic_parser calls.
class Handler {
 public:
  // NOLINTBEGIN(readability-identifier-naming)
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
  // NOLINTEND(readability-identifier-naming)

  explicit Handler(std::size_t max_values) : max_values_(max_values) {}

  bool on_document_begin(error_code&) {
    values_.reset();
    return true;
  }
  bool on_document_end(error_code&) { return true; }

  bool on_object_begin(error_code& ec) {
    levels_.push_back({.is_object = true});
    return count(ec);
  }
  bool on_object_end(std::size_t n, error_code&) {
    if (is_message()) number_ids_.push_back(std::move(levels_.back().number_id));
    levels_.pop_back();
    values_.push_object(n);
    return true;
  }
  bool on_array_begin(error_code& ec) {
    levels_.push_back({});
    return count(ec);
  }
  bool on_array_end(std::size_t n, error_code&) {
    levels_.pop_back();
    values_.push_array(n);
    return true;
  }

  bool on_key_part(json::string_view s, std::size_t, error_code&) {
    partial_.append(s.data(), s.size());
    return true;
  }
  bool on_key(json::string_view s, std::size_t, error_code& ec) {
    partial_.append(s.data(), s.size());
    Level& level = levels_.back();
    level.key = std::move(partial_);
    partial_.clear();
    if (!level.keys.insert(level.key).second) {
      duplicate_ = level.key;
      has_duplicate_ = true;
      ec = make_error_code(boost::system::errc::invalid_argument);
      return false;
    }
    values_.push_key(level.key);
    return true;
  }
  bool on_string_part(json::string_view s, std::size_t, error_code&) {
    values_.push_chars(s);
    return true;
  }
  bool on_string(json::string_view s, std::size_t, error_code& ec) {
    values_.push_string(s);
    return count(ec);
  }

  bool on_number_part(json::string_view s, error_code&) {
    partial_.append(s.data(), s.size());
    return true;
  }
  bool on_int64(std::int64_t i, json::string_view s, error_code& ec) {
    end_number(s);
    values_.push_int64(i);
    return count(ec);
  }
  bool on_uint64(std::uint64_t u, json::string_view s, error_code& ec) {
    end_number(s);
    values_.push_uint64(u);
    return count(ec);
  }
  bool on_double(double d, json::string_view s, error_code& ec) {
    end_number(s);
    values_.push_double(d);
    return count(ec);
  }
  bool on_bool(bool b, error_code& ec) {
    values_.push_bool(b);
    return count(ec);
  }
  bool on_null(error_code& ec) {
    values_.push_null();
    return count(ec);
  }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

  const std::string* duplicate() const { return has_duplicate_ ? &duplicate_ : nullptr; }
  bool has_too_many() const { return count_ > max_values_; }
  JsonDocument release() { return {.root = values_.release(), .number_ids = std::move(number_ids_)}; }

 private:
  struct Level {
    bool is_object = false;
    std::string key{};  // the last one seen
    std::unordered_set<std::string> keys{};
    std::string number_id{};
  };

  // The innermost container is an object that may be a request: the root, or right inside a root array.
  bool is_message() const {
    return levels_.back().is_object && (levels_.size() == 1 || (levels_.size() == 2 && !levels_.front().is_object));
  }

  // A value takes many times the bytes of its text.
  bool count(error_code& ec) {
    if (++count_ <= max_values_) return true;
    ec = make_error_code(boost::system::errc::value_too_large);
    return false;
  }

  void end_number(json::string_view last_part) {
    partial_.append(last_part.data(), last_part.size());
    if (!levels_.empty() && is_message() && levels_.back().key == "id") levels_.back().number_id = partial_;
    partial_.clear();
  }

  std::size_t max_values_;
  std::size_t count_ = 0;
  json::value_stack values_;
  std::vector<Level> levels_;
  std::string partial_;  // of a key or number that comes in parts
  std::vector<std::string> number_ids_;
  std::string duplicate_;
  bool has_duplicate_ = false;
};

Error too_deep(const Limits& limits) {
  return {.code = code::kInvalidRequest,
          .message = "request nested deeper than " + std::to_string(limits.max_depth) + " levels",
          .reason = "too_deep"};
}

}  // namespace

Result<JsonDocument> read_json(std::string_view text, const Limits& limits) {
  if (text.size() > limits.max_body) {
    return fail({.code = code::kInvalidRequest,
                 .message = "request larger than " + std::to_string(limits.max_body) + " bytes",
                 .reason = "too_large"});
  }
  json::parse_options options;
  options.max_depth = limits.max_depth;
  json::basic_parser<Handler> parser(options, limits.max_values);
  error_code ec;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && used < text.size()) ec = json::error::extra_data;
  if (const std::string* key = parser.handler().duplicate()) {
    return fail({.code = code::kInvalidRequest,
                 .message = "key occurs twice: " + *key,
                 .reason = "duplicate_key",
                 .hint = "give each member of an object once"});
  }
  if (parser.handler().has_too_many()) {
    return fail({.code = code::kInvalidRequest,
                 .message = "request of more than " + std::to_string(limits.max_values) + " values",
                 .reason = "too_many_values"});
  }
  if (ec == json::error::too_deep) return fail(too_deep(limits));
  if (ec) {
    return fail({.code = code::kParseError,
                 .message = "Parse error",
                 .reason = "parse_error",
                 .hint = "not JSON: " + ec.message()});
  }
  return parser.handler().release();
}

}  // namespace control
