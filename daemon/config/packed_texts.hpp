// Texts close together in one piece of memory: for what there are many thousands of.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

namespace config {

// None of them has a zero byte.
class PackedTexts {
 public:
  // Of a range of strings or views, one at least.
  template <class Range>
  explicit PackedTexts(const Range& texts) {
    std::string all;
    for (const std::string_view text : texts) all.append(text) += '\0';
    auto bytes = std::make_unique<char[]>(all.size());
    std::copy(all.begin(), all.end(), bytes.get());
    bytes_ = std::move(bytes);
  }

  std::string_view first() const { return bytes_.get(); }

  // Gives them in their order; no more often than there are.
  class Reader {
   public:
    explicit Reader(const PackedTexts& texts) : at_(texts.bytes_.get()) {}
    std::string_view next() {
      const std::string_view text(at_);
      at_ += text.size() + 1;
      return text;
    }

   private:
    const char* at_;
  };

 private:
  std::unique_ptr<const char[]> bytes_;
};

}  // namespace config
