/* DUST_CLONES in front of a function: gcc compiles it once per instruction set and the loader picks the best this machine has.
 * Plain C stays the only source, and since nothing contracts or reassociates, every clone gives the same bytes. Not with
 * sanitizers, whose runtimes are not up yet when the loader picks. -DDUST_NO_CLONES leaves the plain one only: for comparing. */
#ifndef DUST_BASE_CLONES_H
#define DUST_BASE_CLONES_H

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__) && !defined(DUST_NO_CLONES)
#if __GNUC__ >= 12
#define DUST_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define DUST_CLONES __attribute__((target_clones("default", "avx2", "avx512f")))
#endif
#else
#define DUST_CLONES
#endif

#endif
