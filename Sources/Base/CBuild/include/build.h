// What the build was told of itself: see Package.swift, `CBuild`.
#pragma once

// The commit that the program was built from, in hexadecimal; empty when the build was not told.
const char *build_commit(void);
