/* trajectory_resnet20_table.h - by trajectory_resnet20.py with PyTorch 1.13.0a0; do not edit.
 * Loss of each step, before its update, in float64. PyTorch's float32 run departs from it by
 * 4.1e-08, 1.2e-07, 3.9e-07, 2.1e-08, 1.9e-06,
 * 3.6e-06, 1.5e-05, 1.9e-05, 1.8e-05, 2.0e-05. */
static const double resnet20_loss[10] = {2.88419306, 2.79722084, 2.71632468, 3.04842585, 2.93262468,
                                         2.50149843, 2.85229007, 2.6031588,  3.03499899, 2.7666225};
