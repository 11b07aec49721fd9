// Compression of streams by zlib, brotli and zstd, behind one interface. Each library is loaded
// when its coding is first configured: a program that compresses nothing pays for none of them.
// Debian: zlib1g-dev, libbrotli-dev and libzstd-dev to build; zlib1g, libbrotli1 and libzstd1 to
// run.
//
// An encoder has the memory of one stream, bounded by the window that is chosen here, and keeps it
// for the next stream.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum compression_coding {
    compression_gzip = 0,   // RFC 1952; levels 1 to 9
    compression_brotli = 1, // RFC 7932; levels 1 to 8
    compression_zstd = 2,   // RFC 8878; levels 1 to 12
};

// What is to become of what the encoder has got.
enum compression_operation {
    compression_go_on = 0, // it may keep what it likes
    compression_flush = 1, // all of it comes out, and the stream goes on
    compression_end = 2,   // all of it comes out, and the end of the stream
};

// What one step did. Unless it failed or is done, it wants more room, with the rest of the input.
struct compression_step {
    size_t consumed;
    size_t written;
    bool is_done;
    bool has_failed;
};

struct compression_encoder;

// Loads the library of a coding. NULL, or a text that says why that failed. Not at the same time by
// two threads.
const char *_Nullable compression_load(enum compression_coding coding);

// Makes an encoder of a coding whose library is loaded; NULL when there is no memory.
struct compression_encoder *_Nullable compression_make(enum compression_coding coding);

// Begins a stream, whatever became of the one before. False when there is no memory.
bool compression_begin(struct compression_encoder *_Nonnull encoder, int level);

// Takes a part of the input, and writes at most `room` bytes.
struct compression_step compression_run(
    struct compression_encoder *_Nonnull encoder, enum compression_operation operation,
    const uint8_t *_Nullable input, size_t input_count, uint8_t *_Nonnull output, size_t room);

// Frees it, and all of its memory.
void compression_free(struct compression_encoder *_Nonnull encoder);
