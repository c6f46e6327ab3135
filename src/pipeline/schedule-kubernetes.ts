// A CronJob of Kubernetes whose volume contains the pipeline's folder at the same path; the output goes to the pod's
// log.

import { stringify } from "yaml";
import { UsageError } from "../errors.js";
import { cronFields, FINAL, LOCKED, type Job } from "./schedule-job.js";

/** Escapes a word of a container's command: $(NAME) would be a variable, and $$ is a $. */
const argument = (text: string) => text.replaceAll("$", "$$$$");

/** @throws {UsageError} Kubernetes does not support the name of the folder or of the image */
export function kubernetes({ name, time, node, embed, file, folder }: Job, image: string): string {
  if (folder.includes(":"))
    throw new UsageError(`Kubernetes cannot mount a volume at a path with a colon: rename '${folder}'`);
  if (!/^[\w.:/@-]+$/.test(image))
    throw new UsageError(`--image expects a container image such as shop/embed:1, got '${image}'`);
  const pod = {
    restartPolicy: "Never",
    containers: [
      {
        name: "embed",
        image,
        command: [node, embed, "run", file].map(argument),
        workingDir: folder,
        volumeMounts: [{ name: "folder", mountPath: folder }],
      },
    ],
    volumes: [{ name: "folder", persistentVolumeClaim: { claimName: `embed-${name}` } }],
  };
  const job = {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: `embed-${name}` },
    spec: {
      schedule: cronFields(time),
      concurrencyPolicy: "Forbid",
      jobTemplate: {
        spec: {
          // all other exit codes are retried, for example 75 for a lock that is held
          backoffLimit: 6,
          podFailurePolicy: {
            rules: [
              { action: "FailJob", onExitCodes: { containerName: "embed", operator: "In", values: FINAL } },
            ],
          },
          template: { spec: pod },
        },
      },
    },
  };
  const head = [
    `# kubectl apply -f FILE. The claim embed-${name} is a volume that holds ${folder}.`,
    `# Exit codes ${FINAL.join(", ")} fail at once; ${LOCKED}, a lock that is held, is tried again with growing pauses.`,
  ];
  return `${head.join("\n")}\n${stringify(job, { lineWidth: 0, version: "1.1" })}`;
}
