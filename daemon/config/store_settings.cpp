#include "config/store_settings.hpp"

namespace config {

const StoreSettings& SharedStore::get() const noexcept {
  static const StoreSettings kNone;
  return said_ ? *said_ : kNone;
}

StoreSettings& SharedStore::edit() {
  if (!said_) {
    said_ = std::make_shared<StoreSettings>();
  } else if (said_.use_count() > 1) {
    said_ = std::make_shared<StoreSettings>(*said_);
  }
  return *said_;
}

void SharedStore::share(const SharedStore& other) {
  if (*this == other) said_ = other.said_;
}

}  // namespace config
