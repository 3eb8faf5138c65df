"""German names and equations of figures, by the English ones: a changed one shows until it is translated."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Heart rate": "Herzfrequenz",
        "Source": "Quelle",
        "Heart rate, low end": "Herzfrequenz, untere Grenze",
        "Heart rate, high end": "Herzfrequenz, obere Grenze",
        "Mean heart rate": "Mittlere Herzfrequenz",
        "Heart rate known": "Herzfrequenz bekannt",
        "Time by source": "Zeit nach Quelle",
        "Lowest heart rate": "Tiefste Herzfrequenz",
        "Highest heart rate": "Höchste Herzfrequenz",
        "Strap": "Gurt",
        "Strap suspect": "Gurt zweifelhaft",
        "Model": "Modell",
        "Model error": "Modellfehler",
        "Beyond the movement": "Über die Bewegung hinaus",
        "Maximal heart rate": "Maximale Herzfrequenz",
        "Source of the maximum": "Herkunft des Maximums",
        "Resting heart rate": "Ruhepuls",
        "Resting heart rate assumed": "Ruhepuls angenommen",
        "Heart-rate reserve": "Herzfrequenzreserve",
        "Zone": "Zone",
        "Time in zones": "Zeit in Zonen",
        "Edwards": "Edwards",
        "Intensity, 30 s": "Intensität, 30 s",
        "TRIMP": "TRIMP",
        "Energy": "Energie",
        "Energy rate": "Energieumsatz",
        "TRIMP, low end": "TRIMP, untere Grenze",
        "TRIMP, high end": "TRIMP, obere Grenze",
        "Energy, low end": "Energie, untere Grenze",
        "Energy, high end": "Energie, obere Grenze",
        "VO2max, estimate": "VO2max, geschätzt",
        "PlayerLoad": "PlayerLoad",
        "PlayerLoad per minute": "PlayerLoad je Minute",
        "Sample rate": "Abtastrate",
        "Motion": "Bewegung",
        "Impacts": "Stöße",
        "Hard impacts": "Harte Stöße",
        "Speed": "Tempo",
        "Distance": "Strecke",
        "Metres per minute": "Meter je Minute",
        "Distance from the odometer": "Strecke vom Gerät gezählt",
        "Distance by speed": "Strecke aus dem Tempo",
        "Maximal speed": "Höchsttempo",
        "High-speed running": "Schnelles Laufen",
        "Sprints": "Sprints",
        "Accelerations": "Beschleunigungen",
        "Decelerations": "Bremsungen",
        "Accelerations in bands": "Beschleunigungen nach Stärke",
        "Decelerations in bands": "Bremsungen nach Stärke",
        "High-intensity actions": "Intensive Aktionen",
        "Distance in speed bands": "Strecke nach Tempo",
        "Time in speed bands": "Zeit nach Tempo",
        "Entries into speed bands": "Wechsel in den Tempobereich",
        "High metabolic load distance": "Strecke mit hoher Stoffwechsellast",
        "Mean metabolic power": "Mittlere Stoffwechselleistung",
        "Steps": "Schritte",
        "Mean cadence": "Mittlere Schrittfrequenz",
        "Heart-rate recovery": "Erholung der Herzfrequenz, 60 s",
        "Time above threshold": "Zeit über der Schwelle",
        "Peak distance": "Höchste Strecke",
        "Peak high-speed running": "Höchste schnelle Strecke",
        "Peak PlayerLoad": "Höchster PlayerLoad",
        "Peak TRIMP": "Höchster TRIMP",
        "Position along the pitch": "Ort längs des Feldes",
        "Position across the pitch": "Ort quer zum Feld",
        "Measured time": "Gemessene Zeit",
        "Missing time": "Fehlende Zeit",
        "Load": "Belastung",
        "Recovery": "Erholung",
        "RMSSD": "RMSSD",
        "SDNN": "SDNN",
        "pNN50": "pNN50",
        "Baevsky index": "Baevsky-Index",
        "Acute load": "Akute Belastung",
        "Chronic load": "Chronische Belastung",
        "ACWR": "ACWR",
        "Weekly load": "Wochenbelastung",
        "Monotony": "Monotonie",
        "Strain": "Beanspruchung",
        "Sessions without known load": "Einheiten ohne bekannte Belastung",
        "Strap lost for": "Ohne Gurt seit",
        "Device silent for": "Gerät stumm seit",
        "Battery": "Akku",
        "Data received": "Daten angekommen",
        "Impact": "Stoß",
    }
)
"""Figures, and the signals that only alarm rules use."""

EQUATIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "the heart rate that all figures below use": "die Herzfrequenz, mit der alle anderen Werte gerechnet werden",
        (
            "`sensor`: the strap, read within 2 s; `held`: the last reading of the strap, up to "
            "`engine.sensor_fresh_s` old; `model`; `model_corrected`: the model plus what the strap has shown of the "
            "day's form, and its newest error, fading"
        ): (
            "`sensor`: der Gurt, höchstens 2 s alt; `held`: der letzte Wert des Gurts, bis `engine.sensor_fresh_s` "
            "alt; `model`: das Modell; `model_corrected`: das Modell mit dem, was der Gurt von der Tagesform gezeigt "
            "hat, und seinem letzten, abklingenden Fehler"
        ),
        "low end of the 80 % interval of a model's heart rate, from residuals on sessions that it had not seen": (
            "unteres Ende des 80-%-Bereichs der Herzfrequenz eines Modells, aus seinen Fehlern in Einheiten, die es "
            "nicht kannte"
        ),
        "high end of that interval": "oberes Ende des 80-%-Bereichs",
        "over the time with a known heart rate": "über die Zeit mit bekannter Herzfrequenz",
        (
            "share of the measured time with a known heart rate; TRIMP, zones and energy are sums over this part "
            "only, and below 80 % there is neither a load zone nor a recovery time"
        ): (
            "Anteil der gemessenen Zeit mit bekannter Herzfrequenz; TRIMP, Zonen und Energie sind Summen nur über "
            "diesen Teil, und unter 80 % gibt es weder eine Belastungszone noch eine Erholungszeit"
        ),
        "time by source: `none`, `sensor`, `model`, `model_corrected`, `held`": (
            "Zeit nach Quelle: `none`, `sensor`, `model`, `model_corrected`, `held`"
        ),
        "lowest level that the heart rate held for 5 s": "niedrigster Wert, den die Herzfrequenz 5 s lang hielt",
        "highest level that the heart rate held for 5 s": "höchster Wert, den die Herzfrequenz 5 s lang hielt",
        "the last clean reading of the strap: 30 to 220 bpm, at most 10 bpm/s of change": (
            "der letzte saubere Wert des Gurts: 30 bis 220 bpm, höchstens 10 bpm/s Änderung"
        ),
        (
            "time in which the strap followed the step rate, repeated one reading for minutes, read half or twice the "
            "heart rate, or had drifted away, while the model disagreed; with `engine.heart_rate_source: auto` the "
            "model is used then"
        ): (
            "Zeit, in der der Gurt der Schrittfrequenz folgte, minutenlang einen Wert wiederholte, die halbe oder "
            "doppelte Herzfrequenz zeigte oder abgedriftet war, während das Modell widersprach; bei "
            "`engine.heart_rate_source: auto` gilt dann das Modell"
        ),
        "prediction of the model, uncorrected": "Vorhersage des Modells, ohne Korrektur",
        "athlete (or `default`) and creation time of the model in use": (
            "Sportler (oder `default`) und Entstehungszeit des verwendeten Modells"
        ),
        "model against strap over the session: `readings`, `bias_bpm` (strap - model), `mae_bpm`, `rmse_bpm`": (
            "Modell gegen Gurt über die Einheit: `readings`, `bias_bpm` (Gurt - Modell), `mae_bpm`, `rmse_bpm`"
        ),
        "strap - model at present: the part of the heart rate that movement does not explain": (
            "Gurt - Modell in diesem Moment: was die Bewegung an der Herzfrequenz nicht erklärt"
        ),
        "roster; else 211 - 0.64 age (Nes 2013), raised to the highest clean reading held for 5 s": (
            "aus athletes.yaml; sonst 211 - 0,64 Alter (Nes 2013), angehoben auf den höchsten sauberen Wert, der 5 s "
            "lang gehalten wurde"
        ),
        "`measured`, `nes_2013` or `observed`": "`measured`, `nes_2013` oder `observed`",
        "roster; else 60": "aus athletes.yaml; sonst 60",
        "true where 60 bpm is assumed: every figure that uses the reserve depends on it": (
            "wahr, wo 60 bpm angenommen sind: jeder Wert mit der Reserve hängt davon ab"
        ),
        "(heart rate - rest)/(max - rest), 0 to 100 (Karvonen 1957)": (
            "(Herzfrequenz - Ruhepuls)/(Maximum - Ruhepuls), 0 bis 100 (Karvonen 1957)"
        ),
        "0 below 50 % of the maximum, then 1 to 5 in steps of 10 %, or the athlete's own zones": (
            "0 unter 50 % des Maximums, dann 1 bis 5 in Schritten von 10 %, oder die eigenen Zonen"
        ),
        (
            "`below_50_percent`, `zone_1` to `zone_5`; adds up to the time with a known heart rate. Where the athlete "
            "has zones of their own: below zone 1, then those"
        ): (
            "`below_50_percent`, `zone_1` bis `zone_5`; zusammen die Zeit mit bekannter Herzfrequenz. Bei eigenen "
            "Zonen: unter Zone 1, dann diese"
        ),
        "minutes in zone k times k, zones in percent of the maximum (Edwards 1993)": (
            "Minuten in Zone k mal k, Zonen in Prozent des Maximums (Edwards 1993)"
        ),
        "heart-rate reserve averaged over 30 s: internal intensity": (
            "Herzfrequenzreserve, über 30 s gemittelt: innere Intensität"
        ),
        (
            "training impulse: minutes · x · 0.64 e^(1.92 x) for men, 0.86 e^(1.67 x) for women, x the fraction of "
            "the heart-rate reserve (Banister 1991)"
        ): (
            "Trainingsimpuls: Minuten · x · 0,64 e^(1,92 x) für Männer, 0,86 e^(1,67 x) für Frauen, x der Anteil der "
            "Herzfrequenzreserve (Banister 1991)"
        ),
        (
            "energy spent: Keytel 2005 from 60 % of the maximal heart rate, Mifflin-St Jeor 1990 at rest, a straight "
            "line in between"
        ): (
            "verbrauchte Energie: Keytel 2005 ab 60 % der maximalen Herzfrequenz, Mifflin-St Jeor 1990 in Ruhe, "
            "dazwischen eine Gerade"
        ),
        "the same in kcal (1 kcal = 4.184 kJ)": "die Energie in kcal (1 kcal = 4,184 kJ)",
        "energy expenditure at present": "Energieverbrauch in diesem Moment",
        (
            "TRIMP made from the low end of the heart rate's 80 % interval throughout; equal to `trimp` where a strap "
            "was read"
        ): (
            "TRIMP, durchweg aus dem unteren Ende des 80-%-Bereichs der Herzfrequenz; gleich `trimp`, wo ein Gurt "
            "gemessen hat"
        ),
        (
            "TRIMP made from the high end of the heart rate's 80 % interval throughout; equal to `trimp` where a "
            "strap was read"
        ): (
            "TRIMP, durchweg aus dem oberen Ende des 80-%-Bereichs der Herzfrequenz; gleich `trimp`, wo ein Gurt "
            "gemessen hat"
        ),
        "energy made from the low end of that interval throughout": (
            "Energie, durchweg aus dem unteren Ende des Bereichs der Herzfrequenz"
        ),
        "energy made from the high end of that interval throughout": (
            "Energie, durchweg aus dem oberen Ende des Bereichs der Herzfrequenz"
        ),
        "15.3 HRmax/HRrest (Uth 2004), a constant of the athlete; needs a known resting heart rate": (
            "15,3 HFmax/HFruhe (Uth 2004), eine Konstante des Sportlers; der Ruhepuls muss bekannt sein"
        ),
        "sum of the changes of acceleration, in g, divided by 100 (Boyd 2011); depends on the sample rate": (
            "Summe der Änderungen der Beschleunigung, in g, durch 100 (Boyd 2011); hängt von der Messrate ab"
        ),
        "over the measured time of the session": "über die gemessene Zeit der Einheit",
        "mean rate of the samples behind `player_load`": "mittlere Rate der Messwerte hinter `player_load`",
        "length of the gravity-free acceleration, averaged over a second": (
            "Betrag der Beschleunigung ohne Schwerkraft, über eine Sekunde gemittelt"
        ),
        "number of impacts by band of peak acceleration: `5-6 g`, `6-6.5 g`, `6.5-7 g`, `7-8 g`, `8-10 g`, `>10 g`": (
            "Anzahl der Stöße nach ihrer Spitze: `5-6 g`, `6-6.5 g`, `6.5-7 g`, `7-8 g`, `8-10 g`, `>10 g`"
        ),
        "impacts of `impacts.alert_g` or more": "Stöße ab `impacts.alert_g`",
        "as measured, else from positions; a single reading that no other supports is ignored": (
            "wie gemessen, sonst aus Positionen; ein einzelner Wert, den kein anderer stützt, zählt nicht"
        ),
        "by the device's odometer where it has one, else speed over time, or from positions": (
            "nach dem Wegzähler des Geräts, wo es einen hat, sonst Tempo über die Zeit oder aus Positionen"
        ),
        "`distance_m` by the minutes in which it was measured": (
            "`distance_m` durch die Minuten, in denen sie gemessen wurde"
        ),
        "whether `distance_m` is the device's own": "ob `distance_m` vom Gerät selbst kommt",
        "speed over time, or from positions, also where the odometer is used": (
            "Tempo über die Zeit oder aus Positionen, auch wo der Wegzähler gilt"
        ),
        "highest speed held for 0.5 s, or of one accepted reading where readings are rarer": (
            "höchstes Tempo, 0,5 s lang gehalten; wo seltener gemessen wird, das eines angenommenen Werts"
        ),
        "distance at 5.5 m/s or more": "Strecke ab 5,5 m/s",
        "7 m/s or more held for 1 s": "7 m/s oder mehr, 1 s lang",
        "3 m/s² or more, or the athlete's own middle limit, held for 0.5 s; counted when it is over": (
            "3 m/s² oder mehr, oder die eigene mittlere Grenze, 0,5 s lang; gezählt, wenn es vorbei ist"
        ),
        "-3 m/s² or less, or the athlete's own middle limit, held for 0.5 s; counted when it is over": (
            "-3 m/s² oder weniger, oder die eigene mittlere Grenze, 0,5 s lang; gezählt, wenn es vorbei ist"
        ),
        "`band_1` to `band_3`: peak of 2-3, 3-4 and more than 4 m/s², or the athlete's own limits": (
            "`band_1` bis `band_3`: Spitze von 2-3, 3-4 und über 4 m/s², oder die eigenen Grenzen"
        ),
        "as `accelerations_in_bands`, slowing down": "wie `accelerations_in_bands`, beim Bremsen",
        "`sprints` + `accelerations` + `decelerations`": "`sprints` + `accelerations` + `decelerations`",
        "`band_1` to `band_5`: 0-2, 2-4, 4-5.5, 5.5-7 and 7 m/s or more, or the athlete's own limits": (
            "`band_1` bis `band_5`: 0-2, 2-4, 4-5,5, 5,5-7 und ab 7 m/s, oder die eigenen Grenzen"
        ),
        "adds up to the time with a known speed": "zusammen die Zeit mit bekanntem Tempo",
        "stays of 0.5 s or more in a band": "Aufenthalte von 0,5 s oder mehr in einem Bereich",
        "distance at more than 25.5 W/kg; disputed for intermittent running": (
            "Strecke über 25,5 W/kg; für Laufen mit Wechseln umstritten"
        ),
        (
            "v (155.4 ES⁵ - 30.4 ES⁴ - 43.3 ES³ + 46.3 ES² + 19.5 ES + 3.6) EM 1.29, ES = a/g, EM² = 1 + ES² (di "
            "Prampero 2005, Osgnach 2010); disputed for intermittent running"
        ): (
            "v (155,4 ES⁵ - 30,4 ES⁴ - 43,3 ES³ + 46,3 ES² + 19,5 ES + 3,6) EM 1,29, ES = a/g, EM² = 1 + ES² (di "
            "Prampero 2005, Osgnach 2010); für Laufen mit Wechseln umstritten"
        ),
        "cadence over time": "Schrittfrequenz über die Zeit",
        "steps a minute of both feet, over the time with a cadence": (
            "Schritte je Minute, beide Füße, über die Zeit mit Schrittfrequenz"
        ),
        (
            "heart rate at the end of a minute at 80 % of the maximum or more, minus that after 60 s of rest; the "
            "latest one"
        ): ("Herzfrequenz am Ende einer Minute bei 80 % des Maximums oder mehr, minus die nach 60 s Ruhe; die letzte"),
        "at or above the athlete's own threshold heart rate (`threshold_bpm` or `lt2_bpm`)": (
            "an oder über der eigenen Schwellen-Herzfrequenz (`threshold_bpm` oder `lt2_bpm`)"
        ),
        "largest growth of `distance_m` in any 1, 3, 5 and 10 min": (
            "größte Zunahme von `distance_m` in beliebigen 1, 3, 5 und 10 min"
        ),
        "largest growth of `high_speed_running_m` in any 1, 3, 5 and 10 min": (
            "größte Zunahme von `high_speed_running_m` in beliebigen 1, 3, 5 und 10 min"
        ),
        "largest growth of `player_load` in any 1, 3, 5 and 10 min": (
            "größte Zunahme von `player_load` in beliebigen 1, 3, 5 und 10 min"
        ),
        "largest growth of `trimp` in any 1, 3, 5 and 10 min": (
            "größte Zunahme von `trimp` in beliebigen 1, 3, 5 und 10 min"
        ),
        "as measured, else from latitude and longitude over the corners of the pitch": (
            "wie gemessen, sonst aus Breite und Länge über die Ecken des Felds"
        ),
        "time covered by the samples": "Zeit, die die Messwerte abdecken",
        "time lost in gaps longer than three usual intervals of the device, at least 2 s and at most 10 s": (
            "Zeit in Lücken, die länger sind als drei übliche Abstände des Geräts, mindestens 2 s und höchstens 10 s"
        ),
        "`low`, `moderate`, `high` or `very_high` by `outputs.training_load`": (
            "`low`, `moderate`, `high` oder `very_high` nach `outputs.training_load`"
        ),
        "`usual_recovery_h` of the load's zone, and a `text` about it": (
            "`usual_recovery_h` zur Zone der Belastung, und ein `text` dazu"
        ),
        (
            "root mean square of successive differences (Task Force 1996) of the beat-to-beat intervals of the five "
            "minutes up to the last beat; meant for rest, hardly meaningful in exercise"
        ): (
            "Quadratmittel der Unterschiede aufeinanderfolgender Schlagabstände (Task Force 1996) der fünf Minuten "
            "bis zum letzten Schlag; für die Ruhe gedacht, bei Belastung kaum aussagekräftig"
        ),
        "standard deviation of the clean intervals (Task Force 1996), over the same beats": (
            "Standardabweichung der sauberen Abstände (Task Force 1996), über dieselben Schläge"
        ),
        "share of successive differences greater than 50 ms (Task Force 1996), over the same beats": (
            "Anteil der Unterschiede über 50 ms (Task Force 1996), über dieselben Schläge"
        ),
        "AMo/(2 Mo MxDMn): Baevsky's index of regulatory strain (Baevsky 2008), over the same beats": (
            "AMo/(2 Mo MxDMn): Belastungsindex nach Baevsky (Baevsky 2008), über dieselben Schläge"
        ),
        "daily TRIMP, exponentially averaged over 7 days, this session included": (
            "täglicher TRIMP, exponentiell über 7 Tage gemittelt, mit dieser Einheit"
        ),
        "the same over 28 days": "täglicher TRIMP, exponentiell über 28 Tage gemittelt",
        (
            "acute over chronic load (Williams 2017); hidden for the first 28 days; load from more than 84 days ago "
            "is not counted"
        ): (
            "akute durch chronische Belastung (Williams 2017); in den ersten 28 Tagen leer; was mehr als 84 Tage "
            "zurückliegt, zählt nicht"
        ),
        "TRIMP of the last 7 days": "TRIMP der letzten 7 Tage",
        "mean over standard deviation of the daily TRIMP of 7 days (Foster 1998)": (
            "Mittel durch Standardabweichung des täglichen TRIMP von 7 Tagen (Foster 1998)"
        ),
        "weekly load times monotony (Foster 1998)": "Wochenbelastung mal Monotonie (Foster 1998)",
        (
            "sessions of the last 28 days, of five minutes or more, without a known TRIMP; the six figures above "
            "count them as zero"
        ): (
            "Einheiten der letzten 28 Tage, ab fünf Minuten, ohne bekannten TRIMP; akute und chronische Belastung, "
            "ihr Verhältnis, Wochenbelastung, Monotonie und Beanspruchung zählen sie als null"
        ),
    }
)
