"""YunExpress 云途, new open API, as a client sees it on the wire.

Known from public clients: paths, headers, signature, envelope, field names, ``track_type`` Y (number there), W
(number later), N (no number), order states (S forecast, R received, T in transit, V signed, F returned, C deleted),
package states (F, T, D, E, R, C), node codes and the error codes 02030008, 02039171, 02041002, 02060015. The other
codes are our own (see ``answers``). Public sources disagree about the tracking answer: ``result`` is a list of
``{order_number, package_status, track_Info}``; the same object also stands under ``track_info``, and each event has
both the ``process_*`` names and ``time_zone, event_date, location, description``.
"""

from .platform import YunExpress

SIMULATOR = YunExpress
