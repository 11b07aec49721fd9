// Memory that an encoder gives back and takes again, so that one stream after the other allocates
// nothing.
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum { compression_blocks_max = 32 };

struct compression_memory {
    struct {
        void *at;
        size_t size;
        bool is_used;
    } blocks[compression_blocks_max];
};

// As malloc and free, for what `memory` keeps; the rest is passed on to those.
void *compression_memory_take(void *memory, size_t size);
void compression_memory_give_back(void *memory, void *block);

// Frees all that is kept. Nothing of it is in use.
void compression_memory_free(struct compression_memory *memory);
