// The two ways to run SQLite's checksum on; wal_checksum() takes the faster one that the processor knows.
#pragma once

#include "replica/wal.hpp"

namespace replica::wal {

// Word by word, as https://www.sqlite.org/fileformat2.html §4.2 has it.
WalChecksum checksum_by_words(bool big_endian, WalChecksum seed, Bytes data) noexcept;

// Many words at once. Where the processor cannot: word by word.
bool has_vector_checksum() noexcept;
WalChecksum checksum_by_vectors(bool big_endian, WalChecksum seed, Bytes data) noexcept;

}  // namespace replica::wal
