#include "memory.h"
#include <stdlib.h>

void *compression_memory_take(void *opaque, size_t size) {
    struct compression_memory *memory = opaque;
    int fitting = -1, empty = -1;
    for (int place = 0; place < compression_blocks_max; place++) {
        size_t has = memory->blocks[place].size;
        if (!memory->blocks[place].at) {
            if (empty < 0) empty = place;
        } else if (!memory->blocks[place].is_used && has >= size
                   && (fitting < 0 || has < memory->blocks[fitting].size)) {
            fitting = place;
        }
    }
    // Not a block that is far too large: what needs that would then get another.
    if (fitting >= 0 && memory->blocks[fitting].size / 2 <= size) {
        memory->blocks[fitting].is_used = true;
        return memory->blocks[fitting].at;
    }
    void *made = malloc(size);
    if (!made || empty < 0) return made;
    memory->blocks[empty].at = made;
    memory->blocks[empty].size = size;
    memory->blocks[empty].is_used = true;
    return made;
}

void compression_memory_give_back(void *opaque, void *block) {
    struct compression_memory *memory = opaque;
    if (!block) return;
    for (int place = 0; place < compression_blocks_max; place++) {
        if (memory->blocks[place].at != block) continue;
        memory->blocks[place].is_used = false;
        return;
    }
    free(block);
}

void compression_memory_free(struct compression_memory *memory) {
    for (int place = 0; place < compression_blocks_max; place++) free(memory->blocks[place].at);
}
