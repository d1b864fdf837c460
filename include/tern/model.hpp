// Files and whole networks. Needs nlohmann_json beside what tern.hpp needs (target tern::model).
#pragma once

#include "core/config.hpp"

#if TERN_IS_CXX17
#include "model/base3.hpp"
#include "model/check_network.hpp"
#include "model/checkpoint.hpp"
#include "model/dense_codes.hpp"
#include "model/fatnn_reader.hpp"
#include "model/file_kind.hpp"
#include "model/graph/builder.hpp"
#include "model/graph/check.hpp"
#include "model/graph/node.hpp"
#include "model/graph/print.hpp"
#include "model/graph/shapes.hpp"
#include "model/metadata_keys.hpp"
#include "model/network.hpp"
#include "model/network_kind.hpp"
#include "model/packed_weights.hpp"
#include "model/preprocess.hpp"
#include "model/safetensors.hpp"
#include "model/state_dict.hpp"
#include "model/stqn.hpp"
#include "model/stqn_reader.hpp"
#include "model/sttn.hpp"
#include "model/sttn_reader.hpp"
#include "model/sttn_writer.hpp"
#include "model/tuning.hpp"
#include "model/twn_reader.hpp"
#include "tern.hpp"
#endif
