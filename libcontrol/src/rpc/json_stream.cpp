#include "rpc/json_stream.hpp"

namespace control {

void JsonStream::skip_blanks() {
  const std::size_t first = buffer_.find_first_not_of(" \t\r\n");
  buffer_.erase(0, first);  // npos = all
}

void JsonStream::step(char c) {
  switch (where_) {
    case Where::escape:
      where_ = Where::string;
      return;
    case Where::string:
      if (c == '\\') where_ = Where::escape;
      if (c == '"') where_ = Where::plain;
      return;
    case Where::outside:
    case Where::plain:
      break;
  }
  where_ = c == '"' ? Where::string : Where::plain;
  if (c == '{' || c == '[') ++depth_;
  if (c == '}' || c == ']') --depth_;
  if (depth_ == 0) where_ = Where::outside;
}

JsonStream::State JsonStream::scan() {
  if (scanned_ == 0) {
    skip_blanks();
    if (buffer_.empty()) return State::need_more;
    if (buffer_.front() != '{' && buffer_.front() != '[') return State::broken;
  }
  while (scanned_ < buffer_.size()) {
    if (scanned_ == max_bytes_) return State::too_large;
    step(buffer_[scanned_++]);
    if (where_ == Where::outside) return State::complete;
  }
  return State::need_more;
}

std::string JsonStream::take() {
  std::string value = buffer_.substr(0, scanned_);
  buffer_.erase(0, scanned_);
  scanned_ = 0;
  return value;
}

}  // namespace control
