// Which files lead a database on from where it is.
#pragma once

#include <vector>

#include "replica/ltx.hpp"

namespace replica::restore {

// Of `files`, in any order, those to apply one after another to a database at `reached`; empty when none continues.
//
// A file of transactions min…max may be applied to any state from min - 1 to max: it holds, of every page that one of
// them changed, the image at max, and what none of them changed is in every such state what it is at max. So a merged
// file that begins before `reached` is as good as one that begins behind it, as long as it reaches further.
std::vector<LtxFileInfo> continuation(std::vector<LtxFileInfo> files, TxId reached);

}  // namespace replica::restore
