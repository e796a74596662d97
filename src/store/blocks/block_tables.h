#pragma once

#include <string>
#include <vector>

#include "base/coding.h"
#include "model/record.h"
#include "store/blocks/block.h"

namespace rankscope::store {

// The tables that rows point into, as a block's header and its rollup begin with them. Origins are written without
// project and job. What reads appends; it fails as the reader does.
void PutOrigins(const std::vector<model::Origin>& origins, std::string* out);
void PutTexts(const std::vector<std::string>& texts, std::string* out);
void PutSchemas(const std::vector<std::vector<std::string>>& schemas, std::string* out);
void PutShape(const RowShape& shape, std::string* out);

void ReadOrigins(base::ByteReader* in, std::vector<model::Origin>* origins);
void ReadTexts(base::ByteReader* in, std::vector<std::string>* texts);
void ReadSchemas(base::ByteReader* in, std::vector<std::vector<std::string>>* schemas);
// Fails also where the header has no such level or schema.
void ReadShape(base::ByteReader* in, const BlockHeader& header, RowShape* shape);

// A count of what takes a byte at least: never more than there can be.
uint64_t ReadCount(base::ByteReader* in);

}  // namespace rankscope::store
