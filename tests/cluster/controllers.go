package main

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/restmapper"
	"k8s.io/controller-manager/pkg/informerfactory"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/namespace"
)

// discoveryPeriod is how soon the garbage collector learns of a new CustomResourceDefinition.
const discoveryPeriod = 2 * time.Second

// startControllers starts the two controllers without which deletion does nothing: owner references are honoured by
// the garbage collector, namespaces emptied and removed by the namespace controller.
func startControllers(ctx context.Context, credentials *credentials) error {
	if err := startGarbageCollector(ctx, credentials); err != nil {
		return err
	}
	return startNamespaceController(ctx, credentials)
}

func startGarbageCollector(ctx context.Context, credentials *credentials) error {
	const workers = 5
	clientConfig := credentials.clientConfig(collectorUser)
	client, err := kubernetes.NewForConfig(clientConfig)
	if err != nil {
		return err
	}
	metadataClient, err := metadata.NewForConfig(clientConfig)
	if err != nil {
		return err
	}
	// The mapper forgets what it knows every now and then. Sync detects changes by itself and must not see that.
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery()))
	typed := informers.NewSharedInformerFactory(client, 0)
	untyped := metadatainformer.NewSharedInformerFactory(metadataClient, 0)
	started := make(chan struct{})
	collector, err := garbagecollector.NewGarbageCollector(ctx, client, metadataClient, mapper,
		garbagecollector.DefaultIgnoredResources(), informerfactory.NewInformerFactory(typed, untyped), started)
	if err != nil {
		return err
	}
	typed.Start(ctx.Done())
	untyped.Start(ctx.Done())
	close(started)
	go wait.UntilWithContext(ctx, func(context.Context) { mapper.Reset() }, discoveryPeriod)
	go collector.Run(ctx, workers, 30*time.Second)
	go collector.Sync(ctx, client.Discovery(), discoveryPeriod)
	return nil
}

func startNamespaceController(ctx context.Context, credentials *credentials) error {
	const workers = 5
	clientConfig := credentials.clientConfig(namespacesUser)
	client, err := kubernetes.NewForConfig(clientConfig)
	if err != nil {
		return err
	}
	metadataClient, err := metadata.NewForConfig(clientConfig)
	if err != nil {
		return err
	}
	typed := informers.NewSharedInformerFactory(client, 0)
	controller := namespace.NewNamespaceController(ctx, client, metadataClient,
		client.Discovery().ServerPreferredNamespacedResources, typed.Core().V1().Namespaces(), time.Minute,
		corev1.FinalizerKubernetes)
	typed.Start(ctx.Done())
	go controller.Run(ctx, workers)
	return nil
}
