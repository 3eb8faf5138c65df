// A wearable of one's own: an ESP32 with an MPU-6050 (acceleration, rotation) that sends 50 samples a second.
// Libraries: PubSubClient (Nick O'Leary). Board: any ESP32. The MPU-6050 is at I2C address 0x68.
#include <WiFi.h>
#include <Wire.h>
#include <PubSubClient.h>
#include <sys/time.h>

const char *WIFI = "club", *WIFI_PASSWORD = "secret";
const char *BROKER = "192.168.1.10", *DEVICE = "007", *PASSWORD = "secret";  // broker/credentials/007 on the box
const char *NTP = "192.168.1.10";          // the box, or pool.ntp.org
const int RATE_HZ = 50, BATCH = 10;        // 5 messages a second

WiFiClient network;
PubSubClient broker(network);
unsigned long sequence = 0, next_us = 0;
char message[2048];
int length = 0, samples = 0;

bool clockIsSet() { return time(nullptr) > 1700000000; }

void readMotion(float *values) {           // m/s2 and rad/s, which is what the box expects
  Wire.beginTransmission(0x68); Wire.write(0x3B); Wire.endTransmission(false);
  Wire.requestFrom(0x68, 14);
  int16_t raw[7];
  for (int i = 0; i < 7; i++) { int high = Wire.read(); raw[i] = (int16_t)(high << 8 | Wire.read()); }
  for (int i = 0; i < 3; i++) values[i] = raw[i] / 2048.0f * 9.80665f;             // +-16 g
  for (int i = 0; i < 3; i++) values[3 + i] = raw[4 + i] / 16.4f * 0.01745329f;    // +-2000 deg/s
}

void writeRegister(int address, int value) {
  Wire.beginTransmission(0x68); Wire.write(address); Wire.write(value); Wire.endTransmission();
}

void setup() {
  Wire.begin();
  writeRegister(0x6B, 0); writeRegister(0x1B, 0x18); writeRegister(0x1C, 0x18);    // wake; 2000 deg/s; 16 g
  WiFi.begin(WIFI, WIFI_PASSWORD);
  configTime(0, 0, NTP);                   // UTC
  broker.setServer(BROKER, 1883);
  broker.setBufferSize(sizeof message + 64);
}

void loop() {
  if (WiFi.status() == WL_CONNECTED && !broker.connected()) broker.connect(DEVICE, DEVICE, PASSWORD);
  broker.loop();
  if (!clockIsSet() || (long)(micros() - next_us) < 0) return;
  next_us = micros() + 1000000 / RATE_HZ;
  float v[6];
  readMotion(v);
  timeval now;
  gettimeofday(&now, nullptr);
  if (samples == 0) length = snprintf(message, sizeof message, "{\"device_id\":\"%s\",\"seq\":%lu,\"samples\":[", DEVICE, sequence);
  length += snprintf(message + length, sizeof message - length,
    "%s{\"timestamp\":%ld.%03ld,\"acc_x\":%.3f,\"acc_y\":%.3f,\"acc_z\":%.3f,\"gyro_x\":%.3f,\"gyro_y\":%.3f,\"gyro_z\":%.3f}",
    samples ? "," : "", (long)now.tv_sec, (long)now.tv_usec / 1000, v[0], v[1], v[2], v[3], v[4], v[5]);
  sequence++;                              // counts what was lost on the way, too
  if (++samples < BATCH) return;
  samples = 0;
  snprintf(message + length, sizeof message - length, "]}");
  char topic[64];
  snprintf(topic, sizeof topic, "player/%s/sensor/data", DEVICE);
  broker.publish(topic, message);
}
