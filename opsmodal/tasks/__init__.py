"""What goes on in the background for somebody: rollouts that are followed, installations, cleanups.

People and the API know them as jobs, by the promised address `…/jobs/{id}`. The code says task: its jobs are streams
(`opsmodal.jobs`), and a Job is a workload of Kubernetes.
"""

from opsmodal.tasks.records import TaskRecords
from opsmodal.tasks.task import Ended, Stopped, Task, Telling
from opsmodal.tasks.tasks import Tasks

__all__ = ["Ended", "Stopped", "Task", "TaskRecords", "Tasks", "Telling"]
