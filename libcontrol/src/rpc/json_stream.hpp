// Cuts a stream of bytes into JSON objects and arrays, wherever the bytes were split. Whether they are valid is not
// looked at here; a cut is made where the outermost bracket closes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace control {

class JsonStream {
 public:
  explicit JsonStream(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  void feed(std::string_view bytes) { buffer_.append(bytes); }

  enum class State { need_more, complete, broken, too_large };

  // Looks at what was fed since the last time. After `complete`, take() has the value; the other two are for good.
  State scan();
  std::string take();

  // Something other than blanks waits for its end.
  bool in_value() const { return !buffer_.empty(); }

 private:
  enum class Where { outside, plain, string, escape };

  void skip_blanks();
  void step(char c);

  std::size_t max_bytes_;
  std::string buffer_;       // begins with the first byte of a value
  std::size_t scanned_ = 0;  // of buffer_
  std::size_t depth_ = 0;
  Where where_ = Where::outside;
};

}  // namespace control
