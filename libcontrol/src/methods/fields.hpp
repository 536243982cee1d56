// One overload of fields() per struct names its members once; what walks over them decodes, encodes or describes.
// The visitor is called as `v(kRequired, doc, member)` or `v(kOptional, doc, member)`.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/api.hpp"
#include "control/methods.hpp"

namespace control {

enum class Presence { required, optional };
inline constexpr Presence kRequired = Presence::required;
inline constexpr Presence kOptional = Presence::optional;

struct FieldDoc {
  std::string_view name;
  std::string_view placeholder;
  std::string_view doc;
};

// Each type of member: its name in the documents, JSON → member (the complaint when it does not fit), member → JSON.
// A null value stands for an absent member and never gets here.
std::string_view type_name(const std::string&);
std::string_view type_name(const bool&);
std::string_view type_name(const std::chrono::milliseconds&);
std::string_view type_name(const UnixTime&);
std::string_view type_name(const std::uint64_t&);
std::string_view type_name(const std::int64_t&);
std::string_view type_name(const DatabaseState&);
std::string_view type_name(const double&);
std::string_view type_name(const std::vector<std::string>&);
std::string_view type_name(const LastError&);
std::string_view type_name(const std::vector<ReplicaEntry>&);
std::string_view type_name(const RequestTotals&);

std::optional<Error> from_json(std::string_view name, const boost::json::value& value, std::string& member);
std::optional<Error> from_json(std::string_view name, const boost::json::value& value, bool& member);
std::optional<Error> from_json(std::string_view name, const boost::json::value& value,
                               std::chrono::milliseconds& member);
std::optional<Error> from_json(std::string_view name, const boost::json::value& value, UnixTime& member);
std::optional<Error> from_json(std::string_view name, const boost::json::value& value, std::uint64_t& member);
std::optional<Error> from_json(std::string_view name, const boost::json::value& value,
                               std::vector<std::string>& member);

boost::json::value to_json(const std::string& member);
boost::json::value to_json(bool member);
boost::json::value to_json(std::chrono::milliseconds member);
boost::json::value to_json(UnixTime member);
boost::json::value to_json(std::uint64_t member);
boost::json::value to_json(std::int64_t member);
boost::json::value to_json(DatabaseState member);
boost::json::value to_json(double member);
boost::json::value to_json(const std::vector<std::string>& member);
boost::json::value to_json(const LastError& member);
boost::json::value to_json(const std::vector<ReplicaEntry>& member);
boost::json::value to_json(const RequestTotals& member);

// Parameters from the wire. The first complaint wins: those of known members in their order, then unknown ones.
class Decoder {
 public:
  explicit Decoder(const boost::json::object& in) : in_(in) {}

  template <class T>
  void operator()(Presence presence, const FieldDoc& field, T& member) {
    known_.push_back(field.name);
    if (error_) return;
    const boost::json::value* value = in_.if_contains(field.name);
    if (value == nullptr || value->is_null()) {
      if (presence == Presence::required) error_ = invalid_params(std::string(field.name) + " required");
      return;
    }
    error_ = from_json(field.name, *value, member);
  }
  template <class T>
  void operator()(Presence presence, const FieldDoc& field, std::optional<T>& member) {
    T value{};
    const bool given = in_.if_contains(field.name) != nullptr && !in_.at(field.name).is_null();
    (*this)(presence, field, value);
    if (given) member = std::move(value);
  }

  std::optional<Error> finish();

 private:
  const boost::json::object& in_;
  std::vector<std::string_view> known_;
  std::optional<Error> error_;
};

// Members in their order; an empty optional is left out.
class Encoder {
 public:
  explicit Encoder(boost::json::storage_ptr memory) : out_(std::move(memory)) {}

  template <class T>
  void operator()(Presence, const FieldDoc& field, const T& member) {
    if constexpr (std::is_same_v<T, std::string>) {
      out_.emplace(field.name, boost::json::string(member, out_.storage()));  // made where it stays
    } else {
      out_.emplace(field.name, to_json(member));
    }
  }
  template <class T>
  void operator()(Presence presence, const FieldDoc& field, const std::optional<T>& member) {
    if (member) (*this)(presence, field, *member);
  }
  boost::json::object take() { return std::move(out_); }

 private:
  boost::json::object out_;
};

// The documentation of a struct, defaults from a default-constructed one.
class Describer {
 public:
  template <class T>
  void operator()(Presence presence, const FieldDoc& field, const T& member) {
    const bool required = presence == Presence::required;
    add(field, type_name(member), required, required ? std::string() : boost::json::serialize(to_json(member)));
  }
  template <class T>
  void operator()(Presence presence, const FieldDoc& field, const std::optional<T>&) {
    add(field, type_name(T{}), presence == Presence::required, {});
  }
  std::vector<Field> take() { return std::move(out_); }

 private:
  void add(const FieldDoc& field, std::string_view type, bool required, std::string default_value);

  std::vector<Field> out_;
};

template <class T>
Result<T> decode(const boost::json::object& object) {
  T value{};
  Decoder decoder(object);
  fields(decoder, value);
  if (std::optional<Error> error = decoder.finish()) return fail(std::move(*error));
  return value;
}

template <class T>
boost::json::object encode(T value, boost::json::storage_ptr memory = {}) {
  Encoder encoder(std::move(memory));
  fields(encoder, value);
  return encoder.take();
}

template <class T>
std::vector<Field> describe() {
  T value{};
  Describer describer;
  fields(describer, value);
  return describer.take();
}

}  // namespace control
