// Package container renders services for what runs containers: a manifest of Kubernetes, and a
// file of Compose. It only makes plans. Others carry them out, with the command that
// [Manager.Apply] returns.
//
// # The service in its container
//
// The program is the command of a container, whose image it is part of. The restart policy,
// the time of a stop, the limits and the hardening become settings of the container, as far as
// it has them. Whatever it does not have is refused by name, or is listed by [LeftOut] with
// the reason.
//
// Kubernetes gets a StatefulSet with one replica: only that waits for the end of a pod before
// it makes another one, also when a node is lost. A Deployment may run two at a time.
//
// # Directories
//
// The root of the container is read-only, unless protect_system is off. The directories above
// the runtime and the state directory are volumes, and the service makes its own directory in
// them: everybody may write to the root of many volumes (an emptyDir of Kubernetes has mode
// 0777), and a service refuses such a directory.
//
// # Secrets
//
// No value that may be a secret is rendered: see platform.SecretName. For such a variable of
// the environment, the definition names a Secret, or leaves the value to the environment of
// docker.
//
// # Limits
//
// No cluster and no docker has run what is rendered here. The module in test/kubernetes
// decodes it strictly, with the types of k8s.io/api and by the schema of Compose.
package container
