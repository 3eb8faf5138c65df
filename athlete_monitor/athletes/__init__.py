"""The roster: who wears which device, what is known of their body, and their limits with the day they are valid from.

>>> from datetime import date
>>> ada = Athlete.model_validate({"id": 7, "device": "007", "name": "Ada", "birth_date": date(2001, 4, 9)})
>>> round(ada.profile(date(2026, 4, 9)).age_years, 2)
25.0
"""

from athlete_monitor.athletes.entry import Athlete
from athlete_monitor.athletes.limits import DatedLimits, OwnHeartRateZones
from athlete_monitor.athletes.profile import Profile, Sex, merge
from athlete_monitor.athletes.roster import Roster

__all__ = ["Athlete", "DatedLimits", "OwnHeartRateZones", "Profile", "Roster", "Sex", "merge"]
