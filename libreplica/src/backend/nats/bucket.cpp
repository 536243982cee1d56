#include "backend/nats/bucket.hpp"
#include "backend/nats/answer.hpp"

#include "base/text.hpp"

namespace replica::backend::nats {
namespace {

namespace json = boost::json;

// The server's err_code (its errors.json).
constexpr std::int64_t kWrongSequence = 10071, kWrongSequenceOld = 10070, kNameInUse = 10058;

}  // namespace

Result<Bucket> Bucket::open(std::shared_ptr<Connection> connection, const std::string& name, bool create,
                            const Call& call) {
  Bucket bucket(std::move(connection), name);
  if (auto there = bucket.check(create, call); !there) return pass(there);
  return bucket;
}

Result<void> Bucket::check(bool create, const Call& call) {
  auto message = connection_->request("$JS.API.STREAM.INFO." + names_.stream, "", call);
  if (!message) return pass(message);
  auto answer = Answer::parse(text_of(*message));
  if (!answer) return garbled(*connection_, "bucket");
  if (answer->code == kNoStream && create) {
    // As other clients make it.
    const json::object config{{"name", names_.stream}, {"subjects", json::array{names_.all_chunks, names_.all_meta}},
                              {"retention", "limits"}, {"max_consumers", -1},
                              {"max_msgs", -1},        {"max_bytes", -1},
                              {"discard", "new"},      {"storage", "file"},
                              {"num_replicas", 1},     {"allow_rollup_hdrs", true},
                              {"allow_direct", true}};
    auto made = connection_->request("$JS.API.STREAM.CREATE." + names_.stream, json::serialize(config), call);
    if (!made) return pass(made);
    answer = Answer::parse(text_of(*made));
    if (!answer) return garbled(*connection_, "make bucket");
    if (answer->code == kNameInUse) return {};
  }
  if (answer->code != 0) return refused(*connection_, "bucket " + names_.bucket, *answer);
  const json::value* direct = answer->part("config").if_contains("allow_direct");
  is_direct_ = direct != nullptr && direct->is_bool() && direct->as_bool();
  return {};
}

Result<Description> Bucket::find(std::string_view key, const Call& call) const {
  const json::object wanted{{"last_by_subj", names_.meta(key)}};
  auto message = connection_->request("$JS.API.STREAM.MSG.GET." + names_.stream, json::serialize(wanted), call);
  if (!message) return pass(message);
  auto answer = Answer::parse(text_of(*message));
  if (!answer) return garbled(*connection_, key);
  if (answer->code == kNoMessage) return Description();
  if (answer->code != 0) return refused(*connection_, base::concat("find ", key), *answer);
  const json::object& found = answer->part("message");
  auto data = decode_base64(text_in(found, "data"));
  auto object = data ? Object::parse(*data) : std::nullopt;
  auto time = parse_rfc3339(text_in(found, "time"));
  const std::uint64_t sequence = number_in(found, "seq");
  if (!object || !time || sequence == 0) return garbled(*connection_, key);
  return Description{std::move(*object), sequence, *time};
}

Result<bool> Bucket::describe(std::string_view key, const Object& object, std::uint64_t instead_of,
                              const Call& call) const {
  const Connection::Headers headers = {{"Nats-Rollup", "sub"},
                                       {"Nats-Expected-Last-Subject-Sequence", std::to_string(instead_of)}};
  auto message =
      connection_->request(names_.meta(key), object.to_json(key, names_.bucket, chunk_size()), call, headers);
  if (!message) return pass(message);
  auto answer = Answer::parse(text_of(*message));
  if (!answer) return garbled(*connection_, key);
  if (answer->code == kWrongSequence || answer->code == kWrongSequenceOld) return false;
  if (answer->code != 0) return refused(*connection_, base::concat("put ", key), *answer);
  return true;
}

Result<std::vector<std::string>> Bucket::keys(const Call& call) const {
  std::vector<std::string> keys;
  for (std::uint64_t offset = 0, total = 1; offset < total;) {
    const json::object wanted{{"subjects_filter", names_.all_meta}, {"offset", offset}};
    auto message = connection_->request("$JS.API.STREAM.INFO." + names_.stream, json::serialize(wanted), call);
    if (!message) return pass(message);
    auto answer = Answer::parse(text_of(*message));
    if (!answer) return garbled(*connection_, "list");
    if (answer->code != 0) return refused(*connection_, "list", *answer);
    const json::value* subjects = answer->part("state").if_contains("subjects");
    if (subjects == nullptr || !subjects->is_object() || subjects->as_object().empty()) break;
    for (const auto& one : subjects->as_object()) {
      if (auto key = names_.key_of(std::string_view(one.key()))) keys.push_back(std::move(*key));
    }
    offset += subjects->as_object().size();
    total = number_in(answer->body, "total");
  }
  return keys;
}

// While an object is replaced its old description may be gone before the server comes to push it, and the new one not
// be counted among those to come: who is missing is asked for.
Result<std::map<std::string, Description>> Bucket::all(const Call& call) const {
  auto found = pushed(call);
  if (!found) return found;
  auto there = keys(call);
  if (!there) return pass(there);
  for (std::string& key : *there) {
    if (found->contains(key)) continue;
    auto description = find(key, call);
    if (!description) return pass(description);
    if (description->sequence != 0) found->emplace(std::move(key), std::move(*description));
  }
  return found;
}

Result<void> Bucket::purge(const std::string& subject, const Call& call, std::uint64_t last) const {
  json::object filter{{"filter", subject}};
  if (last != 0) filter["seq"] = last + 1;  // the first that stays
  auto message = connection_->request("$JS.API.STREAM.PURGE." + names_.stream, json::serialize(filter), call);
  if (!message) return pass(message);
  auto answer = Answer::parse(text_of(*message));
  if (!answer) return garbled(*connection_, "remove");
  return answer->code == 0 ? Result<void>() : refused(*connection_, "remove", *answer);
}

}  // namespace replica::backend::nats
