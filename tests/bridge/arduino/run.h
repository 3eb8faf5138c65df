// What an ESP32's core offers to the sketch, as far as it uses it, on a computer whose time is a counter.
#pragma once
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <sys/time.h>

inline unsigned long elapsed_us = 0;
inline unsigned long micros() { return elapsed_us; }
inline void configTime(int, int, const char *) {}
inline int told_time(timeval *now, void *) {
  now->tv_sec = 1767261600 + elapsed_us / 1000000;
  now->tv_usec = elapsed_us % 1000000;
  return 0;
}
#define gettimeofday told_time
