#pragma once
// Loops for wider vectors than every machine of the architecture has.

/// Before a function: it is compiled for AVX2 and AVX-512 as well, and which one runs is chosen
/// when the program starts. Its bits stay those of every machine only where no product is added to
/// something (or the file is compiled with -ffp-contract=off) and sums keep an order of their own.
/// Nothing with sanitizers, which such functions come too early for.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define NAS_WIDE __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define NAS_WIDE
#endif
