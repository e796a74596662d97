#ifndef RANKSCOPE_EMBED_RING_H
#define RANKSCOPE_EMBED_RING_H

#include "embed/rankscope_embed.h"
#include "embed/ring_layout.h"

/* Maps a new ring file in `directory`. 0 or -errno; nothing is left behind on error. */
int rankscope_ring_create(const char* directory, uint32_t data_bytes, rankscope_ring** out);
void rankscope_ring_unmap(rankscope_ring* ring);

/* Room for a record with `payload` bytes after its header, or NULL: full (counted) or too large. One writer at a time.
 * The record is invisible until rankscope_ring_commit. */
void* rankscope_ring_reserve(rankscope_ring* ring, uint32_t kind, size_t payload);
void rankscope_ring_commit(rankscope_ring* ring, size_t payload);

#endif
