// Loads the libraries, and drives each of them in the one way that `compression.h` describes.
#include "include/compression.h"
#include "memory.h"
#include <brotli/encode.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define ZLIB_FUNCTIONS(F) F(deflateInit2_) F(deflate) F(deflateReset) F(deflateParams) F(deflateEnd)
#define BROTLI_FUNCTIONS(F) \
    F(BrotliEncoderCreateInstance) F(BrotliEncoderDestroyInstance) F(BrotliEncoderSetParameter) \
    F(BrotliEncoderCompressStream) F(BrotliEncoderHasMoreOutput) F(BrotliEncoderIsFinished)
#define ZSTD_FUNCTIONS(F) \
    F(ZSTD_createCCtx) F(ZSTD_freeCCtx) F(ZSTD_CCtx_reset) F(ZSTD_CCtx_setParameter) \
    F(ZSTD_compressStream2) F(ZSTD_isError)

#define POINTER(name) __typeof__(name) *name;
static struct {
    ZLIB_FUNCTIONS(POINTER)
    BROTLI_FUNCTIONS(POINTER)
    ZSTD_FUNCTIONS(POINTER)
} lib;

#define FIND(name) \
    found = dlsym(library, #name); \
    if (!found) return dlerror(); \
    lib.name = (__typeof__(name) *)found;

const char *compression_load(enum compression_coding coding) {
    static const char *const names[] = {"libz.so.1", "libbrotlienc.so.1", "libzstd.so.1"};
    // First, and by itself: where the program says that its libraries lie beside it, that holds for
    // what it asks for, and not for what those need in turn.
    if (coding == compression_brotli && !dlopen("libbrotlicommon.so.1", RTLD_NOW | RTLD_LOCAL)) {
        return dlerror();
    }
    void *library = dlopen(names[coding], RTLD_NOW | RTLD_LOCAL);
    if (!library) return dlerror();
    void *found;
    switch (coding) {
    case compression_gzip: ZLIB_FUNCTIONS(FIND) break;
    case compression_brotli: BROTLI_FUNCTIONS(FIND) break;
    case compression_zstd: ZSTD_FUNCTIONS(FIND) break;
    }
    return NULL;
}

struct compression_encoder {
    enum compression_coding coding;
    int level;
    z_stream zlib;
    BrotliEncoderState *brotli;
    struct compression_memory memory; // of brotli, which has no way to begin another stream
    ZSTD_CCtx *zstd;
};

// The windows: what a stream looks back on, and with it most of its memory.
enum {
    gzip_window_bits = 15 + 16, // 32 KiB, the most there is; 16 asks for the frame of gzip
    gzip_memory_level = 8,      // zlib's own default
    brotli_window_bits = 16,    // 64 KiB: twice that at level 7 takes 10 MiB a stream
    zstd_window_bits = 17,      // 128 KiB; RFC 9659 allows 8 MiB
    zstd_table_bits = 16,       // 256 KiB each, whatever the level
};

struct compression_encoder *compression_make(enum compression_coding coding) {
    struct compression_encoder *encoder = calloc(1, sizeof *encoder);
    if (!encoder) return NULL;
    encoder->coding = coding;
    bool is_made = true;
    switch (coding) {
    case compression_gzip:
        encoder->level = 4;
        is_made = lib.deflateInit2_(
            &encoder->zlib, encoder->level, Z_DEFLATED, gzip_window_bits, gzip_memory_level,
            Z_DEFAULT_STRATEGY, ZLIB_VERSION, (int)sizeof encoder->zlib) == Z_OK;
        break;
    case compression_brotli: break;
    case compression_zstd:
        encoder->zstd = lib.ZSTD_createCCtx();
        is_made = encoder->zstd
            && !lib.ZSTD_isError(lib.ZSTD_CCtx_setParameter(
                encoder->zstd, ZSTD_c_windowLog, zstd_window_bits))
            && !lib.ZSTD_isError(lib.ZSTD_CCtx_setParameter(
                encoder->zstd, ZSTD_c_hashLog, zstd_table_bits))
            && !lib.ZSTD_isError(lib.ZSTD_CCtx_setParameter(
                encoder->zstd, ZSTD_c_chainLog, zstd_table_bits));
        break;
    }
    if (is_made) return encoder;
    if (encoder->zstd) lib.ZSTD_freeCCtx(encoder->zstd);
    free(encoder);
    return NULL;
}

static bool begin_brotli(struct compression_encoder *encoder, int level) {
    if (encoder->brotli) lib.BrotliEncoderDestroyInstance(encoder->brotli);
    encoder->brotli = lib.BrotliEncoderCreateInstance(
        compression_memory_take, compression_memory_give_back, &encoder->memory);
    return encoder->brotli
        && lib.BrotliEncoderSetParameter(encoder->brotli, BROTLI_PARAM_QUALITY, (uint32_t)level)
        && lib.BrotliEncoderSetParameter(encoder->brotli, BROTLI_PARAM_LGWIN, brotli_window_bits);
}

bool compression_begin(struct compression_encoder *encoder, int level) {
    switch (encoder->coding) {
    case compression_gzip:
        if (lib.deflateReset(&encoder->zlib) != Z_OK) return false;
        if (level == encoder->level) return true;
        encoder->level = level;
        return lib.deflateParams(&encoder->zlib, level, Z_DEFAULT_STRATEGY) == Z_OK;
    case compression_brotli: return begin_brotli(encoder, level);
    case compression_zstd:
        return !lib.ZSTD_isError(lib.ZSTD_CCtx_reset(encoder->zstd, ZSTD_reset_session_only))
            && !lib.ZSTD_isError(lib.ZSTD_CCtx_setParameter(
                encoder->zstd, ZSTD_c_compressionLevel, level));
    }
    return false;
}

static struct compression_step run_gzip(
    z_stream *stream, enum compression_operation operation, const uint8_t *input,
    size_t input_count, uint8_t *output, size_t room
) {
    static const int flushes[] = {Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH};
    struct compression_step step = {0};
    stream->next_in = (Bytef *)input;
    stream->avail_in = (uInt)input_count;
    stream->next_out = output;
    stream->avail_out = (uInt)room;
    int result = lib.deflate(stream, flushes[operation]);
    step.consumed = input_count - stream->avail_in;
    step.written = room - stream->avail_out;
    // Z_BUF_ERROR: there was nothing to do.
    step.has_failed = result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR;
    step.is_done = operation == compression_end
        ? result == Z_STREAM_END : stream->avail_in == 0 && stream->avail_out > 0;
    return step;
}

static struct compression_step run_brotli(
    BrotliEncoderState *stream, enum compression_operation operation, const uint8_t *input,
    size_t input_count, uint8_t *output, size_t room
) {
    static const BrotliEncoderOperation operations[] = {
        BROTLI_OPERATION_PROCESS, BROTLI_OPERATION_FLUSH, BROTLI_OPERATION_FINISH};
    struct compression_step step = {0};
    size_t left = input_count, free_room = room;
    step.has_failed = !lib.BrotliEncoderCompressStream(
        stream, operations[operation], &left, &input, &free_room, &output, NULL);
    step.consumed = input_count - left;
    step.written = room - free_room;
    step.is_done = left == 0 && !lib.BrotliEncoderHasMoreOutput(stream)
        && (operation != compression_end || lib.BrotliEncoderIsFinished(stream));
    return step;
}

static struct compression_step run_zstd(
    ZSTD_CCtx *stream, enum compression_operation operation, const uint8_t *input,
    size_t input_count, uint8_t *output, size_t room
) {
    static const ZSTD_EndDirective directives[] = {ZSTD_e_continue, ZSTD_e_flush, ZSTD_e_end};
    struct compression_step step = {0};
    ZSTD_inBuffer in = {input, input_count, 0};
    ZSTD_outBuffer out = {output, room, 0};
    size_t left = lib.ZSTD_compressStream2(stream, &out, &in, directives[operation]);
    step.consumed = in.pos;
    step.written = out.pos;
    step.has_failed = lib.ZSTD_isError(left);
    step.is_done = in.pos == in.size
        && (operation == compression_go_on ? out.pos < room : left == 0);
    return step;
}

struct compression_step compression_run(
    struct compression_encoder *encoder, enum compression_operation operation,
    const uint8_t *input, size_t input_count, uint8_t *output, size_t room
) {
    // A part of no bytes may come without a place.
    static const uint8_t nothing;
    if (!input) input = &nothing;
    switch (encoder->coding) {
    case compression_gzip:
        return run_gzip(&encoder->zlib, operation, input, input_count, output, room);
    case compression_brotli:
        return run_brotli(encoder->brotli, operation, input, input_count, output, room);
    case compression_zstd:
        return run_zstd(encoder->zstd, operation, input, input_count, output, room);
    }
    return (struct compression_step){.has_failed = true};
}

void compression_free(struct compression_encoder *encoder) {
    switch (encoder->coding) {
    case compression_gzip: lib.deflateEnd(&encoder->zlib); break;
    case compression_brotli:
        if (encoder->brotli) lib.BrotliEncoderDestroyInstance(encoder->brotli);
        compression_memory_free(&encoder->memory);
        break;
    case compression_zstd: lib.ZSTD_freeCCtx(encoder->zstd); break;
    }
    free(encoder);
}
