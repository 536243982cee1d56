// A backend that passes everything on; tests override what they break.
#pragma once

#include <memory>

#include "replica/backend.hpp"

namespace support {

class Through : public replica::Backend {
 public:
  explicit Through(std::shared_ptr<replica::Backend> inner = replica::make_memory_backend())
      : inner_(std::move(inner)) {}

  std::string_view type() const noexcept override { return inner_->type(); }
  replica::Capabilities capabilities() const noexcept override { return inner_->capabilities(); }
  replica::Result<replica::ObjectInfo> put(std::string_view key, replica::Source& body,
                                           const replica::PutOptions& options, const replica::Call& call) override {
    return inner_->put(key, body, options, call);
  }
  replica::Result<std::uint64_t> get(std::string_view key, replica::ByteRange range, replica::Sink& out,
                                     const replica::Call& call) override {
    return inner_->get(key, range, out, call);
  }
  replica::Result<replica::ObjectInfo> stat(std::string_view key, const replica::Call& call) override {
    return inner_->stat(key, call);
  }
  replica::Result<void> list(std::string_view prefix, std::string_view after, const Visitor& visitor,
                             const replica::Call& call) override {
    return inner_->list(prefix, after, visitor, call);
  }
  replica::Result<void> remove(std::string_view key, const replica::Call& call) override {
    return inner_->remove(key, call);
  }

 protected:
  // NOLINTNEXTLINE(readability-identifier-naming): seen by derived fakes only
  std::shared_ptr<replica::Backend> inner_;
};

}  // namespace support
