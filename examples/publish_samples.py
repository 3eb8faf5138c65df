"""A publisher in ten lines: ten samples a second of one device, then the end of its session."""

import json
import time

import paho.mqtt.client as mqtt

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
client.connect("127.0.0.1", 1883)
client.loop_start()
for seq in range(600):
    sample = {"device_id": "007", "timestamp": time.time(), "seq": seq, "heart_rate_bpm": 121, "acc_z": 9.81}
    client.publish("player/007/sensor/data", json.dumps(sample), qos=1).wait_for_publish()
    time.sleep(0.1)
end = {"device_id": "007", "timestamp": time.time(), "event": "end"}
client.publish("player/007/sensor/data", json.dumps(end), qos=1).wait_for_publish()
client.disconnect()
