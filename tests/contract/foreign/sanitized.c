/* decode.c on mutated lines, compiled with ASan and UBSan: `sanitized <rounds> <file>...`. Each input stands in a
   block of just its size and the 16 bytes that the decoder may read behind it. */
#include "decode.c"
#include <stdlib.h>

static uint64_t state = 88172645463325252u; /* xorshift: the same inputs on every run */
static uint64_t any(uint64_t below) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return below ? state % below : 0;
}

static void columns(Decoder *d) {
    static const char kinds[] = "SBIDFOJ";
    char name[2] = "a";
    for (const char *kind = kinds; *kind; kind++, name[0]++) decoder_column(d, NULL, *kind, 19, 2, name, 1);
    static const char sets[] = "snb", elements[] = "SDB";
    for (int i = 0; i < 3; i++, name[0]++) {
        Node *set = decoder_column(d, NULL, sets[i], 0, 0, name, 1);
        decoder_column(d, set, elements[i], 38, 3, "element", 7);
    }
    Node *list = decoder_column(d, NULL, 'L', 0, 0, "l", 1), *map = decoder_column(d, NULL, 'M', 0, 0, "m", 1);
    Node *inner = decoder_column(d, list, 'M', 0, 0, "element", 7);
    decoder_column(d, inner, 'S', 0, 0, "a", 1), decoder_column(d, inner, 'D', 38, 0, "b", 1);
    decoder_column(d, map, 'J', 0, 0, "a", 1), decoder_column(d, map, 'F', 0, 0, "b", 1);
}

static void decode(Decoder *d, const char *text, size_t size) {
    char *lines = calloc(1, size + 17);
    if (size) memcpy(lines, text, size);
    lines[size] = '\n';
    if (decoder_decode(d, lines, (int64_t)size + 1) >= 0) {
        struct ArrowArray array;
        if (decoder_export(d, &array)) array.release(&array);
    }
    free(lines);
}

int main(int count, char **arguments) {
    static char seed[1 << 16], text[1 << 17];
    for (int file = 2; file < count; file++) {
        FILE *opened = fopen(arguments[file], "rb");
        if (!opened) return 2;
        size_t length = fread(seed, 1, sizeof seed, opened);
        fclose(opened);
        for (int incremental = 0; incremental < 2; incremental++) {
            Decoder *d = decoder_open(incremental);
            columns(d);
            decode(d, seed, length), decode(d, seed, 0);
            for (long round = atol(arguments[1]); round; round--) {
                size_t size = length;
                memcpy(text, seed, length);
                for (uint64_t changes = 1 + any(4); changes; changes--) {
                    size_t at = any(size + 1);
                    static const char odd[] = "{}[]\":,\\\n\0 0-+eE.9AuSNBM=/\xff";
                    switch (any(4)) {
                    case 0: if (at < size) text[at] = (char)any(256); break;
                    case 1: if (at < size) text[at] = odd[any(sizeof odd)]; break;
                    case 2: size = any(8) ? size : at; break;
                    default: { /* a piece of it again, elsewhere */
                        size_t from = any(size + 1), piece = any(20);
                        if (from + piece > size || size + piece > sizeof text) break;
                        memmove(text + at + piece, text + at, size - at);
                        memmove(text + at, seed + (from < length - piece ? from : 0), piece < length ? piece : 0);
                        size += piece;
                    }
                    }
                }
                decode(d, text, size);
            }
            decoder_close(d);
        }
    }
    puts("clean");
    return 0;
}
