// The shared files of the AWS tools: ~/.aws/credentials and ~/.aws/config.
#pragma once

#include "backend/s3/credentials.hpp"

namespace replica::s3 {

struct Profile {
  Credentials keys;
  std::string region, credential_process, role_arn, web_identity_token_file, role_session_name;
};

// Takes what `text` says about the profile into `out`. In a config file sections other than "default" are called
// "profile NAME".
void read_profile(std::string_view text, std::string_view name, bool is_config_file, Profile& out);

// The profile named by AWS_PROFILE, else "default"; the credentials file counts more. Files that are not there say
// nothing; one that cannot be read is an error.
Result<Profile> load_profile(const Environment& environment);

}  // namespace replica::s3
