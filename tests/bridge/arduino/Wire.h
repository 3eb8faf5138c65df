// An MPU-6050 that shows (0, -1, 2) g and (61, 0, -61) degrees a second.
#pragma once
#include <cstdint>
struct TwoWire {
  int place = 0;
  void begin() {}
  void beginTransmission(int) {}
  void write(int) {}
  void endTransmission(bool = true) { place = 0; }
  void requestFrom(int, int) {}
  int read() {
    static const int16_t raw[7] = {0, -2048, 4096, 0, 1000, 0, -1000};
    uint16_t value = (uint16_t)raw[place / 2];
    return place++ % 2 ? value & 255 : value >> 8;
  }
};
inline TwoWire Wire;
